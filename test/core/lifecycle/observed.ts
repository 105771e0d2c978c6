/** Objects as the apiserver gives them, with only what references are judged by. */
import type { Pool } from '../../../api/v1beta1/pool.ts';
import type { Worker } from '../../../api/v1beta1/worker.ts';
import type { Observed } from '../../../core/lifecycle/observed.ts';

export const key = { namespace: 'buildkit-system', name: 'shared-pool' };
export const now = new Date('2026-01-02T03:04:05Z');
export const dev = { username: 'dev@tenant-a', groups: ['developers'] };

const metadata = (namespace: string, name: string) => ({
  namespace,
  name,
  uid: `uid-of-${name}`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
});

type From = 'Same' | 'All' | 'None';
export const grant = (from: From): Pool['spec'] => ({ access: { workers: { namespaces: { from } } } });
export const selectorGrant = (matchLabels: Record<string, string>): Pool['spec'] => ({
  access: { workers: { namespaces: { from: 'Selector', selector: { matchLabels } } } },
});

export const makePool = (spec: Pool['spec'] = {}, more: Partial<Pool['metadata']> = {}): Pool => ({
  metadata: { ...metadata(key.namespace, key.name), ...more },
  spec,
});

interface WorkerFields {
  readonly name?: string;
  readonly namespace?: string;
  readonly requester?: Worker['spec']['requester'] | null;
  readonly poolRef?: Worker['spec']['poolRef'];
  readonly status?: Worker['status'];
  readonly more?: Partial<Worker['metadata']>;
}

/** `requester: null` is a worker from before admission. */
export const makeWorker = (fields: WorkerFields = {}): Worker => ({
  metadata: { ...metadata(fields.namespace ?? 'tenant-a', fields.name ?? 'worker'), ...fields.more },
  spec: {
    poolRef: fields.poolRef ?? key,
    ...(fields.requester === null ? {} : { requester: fields.requester ?? dev }),
  },
  ...(fields.status === undefined ? {} : { status: fields.status }),
});

export const makeObserved = (fields: Partial<Observed> = {}): Observed => ({
  key,
  pool: makePool(),
  workers: [makeWorker()],
  labels: new Map(),
  ...fields,
});

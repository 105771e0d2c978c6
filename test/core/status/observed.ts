/** Objects as the apiserver gives them, with only what a status is computed from. */
import type { Pool } from '../../../api/v1beta1/pool.ts';
import type { Worker } from '../../../api/v1beta1/worker.ts';
import type { PoolStatus, WorkerPhase } from '../../../api/status.ts';
import type { GatewayObjects, Observed } from '../../../core/status/observed.ts';

const metadata = (namespace: string, name: string) => ({
  namespace,
  name,
  uid: `uid-of-${name}`,
  resourceVersion: '1',
  generation: 3,
});

export const ours = { 'app.kubernetes.io/managed-by': 'buildkit-controller' };

export const makePool = (
  fields: { spec?: Pool['spec']; status?: PoolStatus; deletionTimestamp?: string } = {},
): Pool => ({
  metadata: {
    ...metadata('buildkit-system', 'shared-pool'),
    ...(fields.deletionTimestamp === undefined ? {} : { deletionTimestamp: fields.deletionTimestamp }),
  },
  spec: fields.spec ?? {},
  ...(fields.status === undefined ? {} : { status: fields.status }),
});

export const makeWorker = (
  phase: WorkerPhase | undefined,
  fields: { namespace?: string; poolRef?: Worker['spec']['poolRef']; deletionTimestamp?: string } = {},
): Worker => ({
  metadata: {
    ...metadata(fields.namespace ?? 'tenant-a', 'worker'),
    ...(fields.deletionTimestamp === undefined ? {} : { deletionTimestamp: fields.deletionTimestamp }),
  },
  spec: { poolRef: fields.poolRef ?? { name: 'shared-pool', namespace: 'buildkit-system' } },
  ...(phase === undefined ? {} : { status: { phase } }),
});

export const makeDeployment = (replicas: number, readyReplicas: number, labels: Record<string, string> = ours) => ({
  metadata: { labels },
  spec: { replicas },
  status: { readyReplicas },
});

export const makeGateway = (objects: Partial<GatewayObjects> = {}): GatewayObjects => ({
  deployment: makeDeployment(2, 2),
  service: { metadata: { labels: ours } },
  ...objects,
});

export const makeObserved = (fields: Partial<Observed> = {}): Observed => ({
  pool: makePool(),
  workers: [],
  gateway: makeGateway(),
  gatewayPods: undefined,
  extent: { namespaces: 'all', version: 1 },
  configs: new Map(),
  ...fields,
});

/** Objects of a test, written as an administrator over one connection: kubectl would take longer than what is tested. */
import type { KubeCall, KubeClient } from '../../adapters/kube/client.ts';
import { ourCollectionPath, ourObjectPath } from '../../adapters/kube/paths.ts';
import { KINDS, STORAGE_API_VERSION } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { WorkerPhase } from '../../api/status.ts';

export interface Key {
  readonly namespace: string;
  readonly name: string;
}

export interface Objects {
  readonly createNamespace: (name: string) => Promise<void>;
  readonly createPool: (key: Key, spec?: object) => Promise<void>;
  readonly createWorker: (key: Key, pool: Key) => Promise<void>;
  readonly setPhase: (worker: Key, phase: WorkerPhase) => Promise<void>;
  readonly labelPool: (key: Key, labels: Readonly<Record<string, string>>) => Promise<void>;
  readonly deletePool: (key: Key) => Promise<void>;
  readonly deleteWorker: (key: Key) => Promise<void>;
  readonly readPool: (key: Key) => Promise<Pool>;
  readonly listPools: () => Promise<readonly Pool[]>;
  readonly listWorkers: () => Promise<readonly Worker[]>;
}

const { pool, worker } = KINDS;
const mergePatch = 'application/merge-patch+json';

/** What tests measure is not how long a busy machine takes to write. */
const timeoutMs = 30_000;

export function createObjects(administrator: Pick<KubeClient, 'call'>): Objects {
  const kube = { call: (call: KubeCall) => administrator.call({ timeoutMs, ...call }) };
  const create = async ({ kind, plural }: typeof pool | typeof worker, metadata: Key, spec: object): Promise<void> => {
    const path = `/apis/${STORAGE_API_VERSION}/namespaces/${metadata.namespace}/${plural}`;
    await kube.call({ method: 'POST', path, body: { apiVersion: STORAGE_API_VERSION, kind, metadata, spec } });
  };
  const list = async <T>(plural: string) =>
    ((await kube.call({ path: ourCollectionPath(plural) })) as { items: readonly T[] }).items;
  return {
    createNamespace: async (name) => {
      await kube.call({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } } });
    },
    createPool: (key, spec = {}) => create(pool, key, spec),
    createWorker: (key, poolRef) => create(worker, key, { poolRef }),
    setPhase: async (key, phase) => {
      const path = ourObjectPath(worker.plural, { ...key, subresource: 'status' });
      await kube.call({ method: 'PATCH', path, contentType: mergePatch, body: { status: { phase } } });
    },
    labelPool: async (key, labels) => {
      const path = ourObjectPath(pool.plural, key);
      await kube.call({ method: 'PATCH', path, contentType: mergePatch, body: { metadata: { labels } } });
    },
    deletePool: async (key) => {
      await kube.call({ method: 'DELETE', path: ourObjectPath(pool.plural, key) });
    },
    deleteWorker: async (key) => {
      await kube.call({ method: 'DELETE', path: ourObjectPath(worker.plural, key) });
    },
    readPool: async (key) => (await kube.call({ path: ourObjectPath(pool.plural, key) })) as Pool,
    listPools: () => list<Pool>(pool.plural),
    listWorkers: () => list<Worker>(worker.plural),
  };
}

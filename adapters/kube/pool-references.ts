/** Reads what the references to a pool are judged by, and writes what came of it. */
import { maxParallelWorkerCalls } from '../../api/limits/status.ts';
import { KINDS } from '../../api/names.ts';
import type { WorkerStatus } from '../../api/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { Labels } from '../../core/access/label-selector.ts';
import { namespacesToRead, type Observed } from '../../core/lifecycle/observed.ts';
import { forEachAtOnce } from '../../core/parallel.ts';
import { formatPoolKey, poolOfWorker, type PoolKey } from '../../core/pool-reference.ts';
import { KubeError, type KubeCall, type KubeClient } from './client.ts';
import { listAll } from './list.ts';
import { createNamespaceReader } from './namespaces.ts';
import { ourCollectionPath, ourNamespacedCollectionPath, ourObjectPath } from './paths.ts';
import { createPoolReader, listPoolKeys } from './pools.ts';
import { keepReference, listWorkersOf } from './pool-workers.ts';

/** `stale`: somebody wrote the object since it was read. `gone`: it exists no more. */
type Written = 'written' | 'stale' | 'gone';

export interface PoolReferenceStore {
  /** @throws {KubeError} */
  readonly gather: (key: PoolKey) => Promise<Observed>;
  /** Pools there are and pools that workers of the namespace refer to, or of all. @throws {KubeError} */
  readonly listPools: (namespace?: string) => Promise<readonly PoolKey[]>;
  /** @throws {KubeError} */
  readonly writeStatus: (worker: Worker, status: WorkerStatus) => Promise<Written>;
  /** @throws {KubeError} */
  readonly writeFinalizers: (pool: Pool, finalizers: readonly string[]) => Promise<Written>;
}

export const createPoolReferenceStore = (kube: KubeClient): PoolReferenceStore => ({
  gather: (key) => gather(kube, key),
  listPools: (namespace) => listPools(kube, namespace),
  writeStatus: ({ metadata }, status) => {
    const path = ourObjectPath(KINDS.worker.plural, { ...metadata, subresource: 'status' });
    return write(kube, path, { metadata: { resourceVersion: metadata.resourceVersion }, status });
  },
  writeFinalizers: ({ metadata }, finalizers) => {
    const path = ourObjectPath(KINDS.pool.plural, metadata);
    return write(kube, path, { metadata: { resourceVersion: metadata.resourceVersion, finalizers } });
  },
});

async function gather(kube: KubeClient, key: PoolKey): Promise<Observed> {
  const [pool, workers] = await Promise.all([createPoolReader(kube)(key), listWorkersOf(kube, key)]);
  const namespaces = namespacesToRead({ key, pool, workers });
  return { key, pool, workers, labels: await readLabels(kube, namespaces) };
}

async function readLabels(kube: KubeClient, namespaces: readonly string[]): Promise<ReadonlyMap<string, Labels>> {
  const read = createNamespaceReader(kube);
  const byNamespace = new Map<string, Labels>();
  await forEachAtOnce(namespaces, maxParallelWorkerCalls, async (name) => {
    const labels = await read(name);
    if (labels !== undefined) byNamespace.set(name, labels);
  });
  return byNamespace;
}

/** A pool that is gone is listed while workers refer to it: they must be told. */
async function listPools(kube: KubeClient, namespace: string | undefined): Promise<readonly PoolKey[]> {
  const { plural } = KINDS.worker;
  const path = namespace === undefined ? ourCollectionPath(plural) : ourNamespacedCollectionPath(plural, namespace);
  const [pools, workers] = await Promise.all([
    namespace === undefined ? listPoolKeys(kube) : [],
    listAll<Worker>(kube, { path }, keepReference),
  ]);
  const keys = [...pools, ...workers.items.map(poolOfWorker)];
  return [...new Map(keys.map((key) => [formatPoolKey(key), key])).values()];
}

/**
 * Writes these members alone, whoever owned them before: a merge patch, where the resourceVersion holds that nobody
 * else wrote since. A member that is absent stays.
 */
async function write(kube: KubeClient, path: string, body: object): Promise<Written> {
  const call: KubeCall = { method: 'PATCH', path, contentType: 'application/merge-patch+json', body };
  try {
    await kube.call(call);
    return 'written';
  } catch (error) {
    if (error instanceof KubeError && error.status === 409) return 'stale';
    if (error instanceof KubeError && error.status === 404) return 'gone';
    throw error;
  }
}

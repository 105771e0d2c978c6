/** Reads what the references to a pool are judged by, and writes what came of it. */
import { maxParallelWorkerCalls } from '../../api/limits/status.ts';
import { LABELS, MANAGED_BY } from '../../api/names.ts';
import type { WorkerStatus } from '../../api/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { Labels } from '../../core/access/label-selector.ts';
import { principalOf } from '../../core/allocation/lease.ts';
import type { Lease } from '../../core/lifecycle/cluster-objects.ts';
import { namespacesToRead, type Observed } from '../../core/lifecycle/observed.ts';
import { effective } from '../../core/pool/effective.ts';
import { forEachAtOnce } from '../../core/parallel.ts';
import { formatPoolKey, poolOfWorker, type PoolKey } from '../../core/pool-reference.ts';
import { namespaceOf } from '../../core/principal.ts';
import type { Kube } from './api.ts';
import { KubeError } from './errors.ts';
import { createNamespaceReader } from './namespaces.ts';
import { createPoolReader, listPoolKeys } from './pools.ts';
import { keepReference, listWorkersOf } from './pool-workers.ts';
import { leases, pools, workers } from './resources.ts';

/** `stale`: somebody wrote the object since it was read. `gone`: it exists no more. */
type Written = 'written' | 'stale' | 'gone';

export interface PoolReferenceStore {
  /** @throws {KubeError} */
  readonly gather: (key: PoolKey) => Promise<Observed>;
  /** Pools that workers of the namespace refer to or its clients build on; or of all, and those there are. @throws {KubeError} */
  readonly listPools: (namespace?: string) => Promise<readonly PoolKey[]>;
  /** @throws {KubeError} */
  readonly writeStatus: (worker: Worker, status: WorkerStatus) => Promise<Written>;
  /** @throws {KubeError} */
  readonly writeFinalizers: (pool: Pool, finalizers: readonly string[]) => Promise<Written>;
}

export const createPoolReferenceStore = (kube: Kube): PoolReferenceStore => ({
  gather: (key) => gather(kube, key),
  listPools: (namespace) => listPools(kube, namespace),
  // Merge patches: what is named is written, whoever owned it before, if nobody else wrote since that version.
  writeStatus: ({ metadata }, status) => {
    const { resourceVersion } = metadata;
    return written(workers(kube).patch(metadata, { metadata: { resourceVersion }, status }, { subresource: 'status' }));
  },
  writeFinalizers: ({ metadata }, finalizers) => {
    const { resourceVersion } = metadata;
    return written(pools(kube).patch(metadata, { metadata: { resourceVersion, finalizers } }));
  },
});

async function gather(kube: Kube, key: PoolKey): Promise<Observed> {
  const [stored, workers] = await Promise.all([createPoolReader(kube)(key), listWorkersOf(kube, key)]);
  const pool = stored && { ...stored, spec: effective(stored.spec) };
  const namespaces = namespacesToRead({ key, pool, workers });
  return { key, pool, workers, labels: await readLabels(kube, namespaces) };
}

async function readLabels(kube: Kube, namespaces: readonly string[]): Promise<ReadonlyMap<string, Labels>> {
  const read = createNamespaceReader(kube);
  const byNamespace = new Map<string, Labels>();
  await forEachAtOnce(namespaces, maxParallelWorkerCalls, async (name) => {
    const labels = await read(name);
    if (labels !== undefined) byNamespace.set(name, labels);
  });
  return byNamespace;
}

/** A pool that is gone is listed while workers refer to it: they must be told. */
async function listPools(kube: Kube, namespace: string | undefined): Promise<readonly PoolKey[]> {
  const [keys, referring] = await Promise.all([
    namespace === undefined ? listPoolKeys(kube) : listPoolsUsedFrom(kube, namespace),
    workers(kube).list({ namespace }, (worker) => poolOfWorker(keepReference(worker))),
  ]);
  return [...new Map([...keys, ...referring.items].map((key) => [formatPoolKey(key), key])).values()];
}

/** Those on which its ServiceAccounts have leases. */
async function listPoolsUsedFrom(kube: Kube, namespace: string): Promise<readonly PoolKey[]> {
  const { items } = await leases(kube).list({ labelSelector: `${LABELS.managedBy}=${MANAGED_BY}` }, (found) => {
    const lease = found as Lease;
    const name = lease.metadata.labels?.[LABELS.workerPool];
    const isFromHere = namespaceOf({ user: { username: principalOf(lease) } }) === namespace;
    return isFromHere && name !== undefined ? { namespace: lease.metadata.namespace, name } : undefined;
  });
  return items.filter((key) => key !== undefined);
}

async function written(write: Promise<unknown>): Promise<Written> {
  try {
    await write;
    return 'written';
  } catch (error) {
    if (error instanceof KubeError && error.status === 409) return 'stale';
    if (error instanceof KubeError && error.status === 404) return 'gone';
    throw error;
  }
}

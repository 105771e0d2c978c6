/** The workers that refer to a pool, of every namespace or of some. */
import type { Worker } from '../../api/v1beta1/worker.ts';
import { RESOLVED_REFS } from '../../core/lifecycle/reasons.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import { parseResourceVersion } from '../../core/resource-version.ts';
import type { Reads } from '../../core/status/recompute-cache.ts';
import type { CountedWorker, Extent } from '../../core/status/observed.ts';
import type { Kube } from './api.ts';
import { keepIdentity } from './lean.ts';
import { workers, type ListQuery } from './resources.ts';

/** @throws {KubeError} */
export async function listWorkersOf(kube: Kube, key: PoolKey): Promise<readonly Worker[]> {
  const lists = await Promise.all(everywhere(key).map((query) => workers(kube).list(query, keepWorker)));
  return lists.flatMap(({ items }) => items);
}

/** Undefined where it does not exist. The reader throws KubeError when the apiserver can't say. */
export const createWorkerReader =
  (kube: Kube) =>
  (key: PoolKey): Promise<Worker | undefined> =>
    workers(kube).get(key);

type Search = Pick<Reads, 'namespaces'> & Pick<ListQuery, 'notOlderThan'>;

export interface FoundWorkers {
  readonly workers: readonly CountedWorker[];
  readonly extent: Extent;
}

/** One LIST for each namespace, or two for all. @throws {KubeError} */
export async function findWorkers(
  kube: Kube,
  key: PoolKey,
  { namespaces, notOlderThan }: Search,
): Promise<FoundWorkers> {
  const queries =
    namespaces === undefined ? everywhere(key) : [...namespaces].map((namespace) => within(key, namespace));
  const lists = await Promise.all(queries.map((query) => workers(kube).list({ ...query, notOlderThan }, keepCounted)));
  const versions = lists.map(({ resourceVersion }) => parseResourceVersion(resourceVersion) ?? 0);
  return {
    workers: lists.flatMap(({ items }) => items),
    extent: { namespaces: namespaces ?? 'all', version: versions.length === 0 ? undefined : Math.min(...versions) },
  };
}

const everywhere = ({ namespace, name }: PoolKey): readonly ListQuery[] => [
  { fieldSelector: `spec.poolRef.name=${name},spec.poolRef.namespace=${namespace}` },
  // A worker from before admission leaves the namespace out, and means its own.
  { namespace, fieldSelector: `spec.poolRef.name=${name},spec.poolRef.namespace=` },
];

/** In the pool's own namespace with those that leave it out, and with those that mean a pool of that name elsewhere. */
const within = (pool: PoolKey, namespace: string): ListQuery => ({
  namespace,
  fieldSelector: `spec.poolRef.name=${pool.name}${namespace === pool.namespace ? '' : `,spec.poolRef.namespace=${pool.namespace}`}`,
});

/** With what says whom it serves now. */
const keepWorker = (worker: Worker): Worker => {
  const { metadata, spec } = worker;
  const { labels, finalizers } = metadata;
  const kept = keepReference(worker);
  return {
    ...kept,
    metadata: {
      ...kept.metadata,
      ...(labels === undefined ? {} : { labels }),
      ...(finalizers === undefined ? {} : { finalizers }),
    },
    spec: { ...kept.spec, ...(spec.lease === undefined ? {} : { lease: spec.lease }) },
  };
};

export const keepReference = ({ metadata, spec: { poolRef, requester }, status }: Worker): Worker => ({
  metadata: keepIdentity(metadata),
  spec: { poolRef, ...(requester === undefined ? {} : { requester }) },
  ...(status === undefined ? {} : { status }),
});

/** A hundredth of what a worker may take: tens of thousands are held at once. */
export const keepCounted = ({ metadata, spec: { poolRef }, status }: Worker): CountedWorker => {
  const { namespace, deletionTimestamp } = metadata;
  const conditions = status?.conditions?.filter(({ type }) => type === RESOLVED_REFS);
  return {
    metadata: { namespace, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
    spec: { poolRef },
    status: {
      ...(status?.phase === undefined ? {} : { phase: status.phase }),
      ...(conditions === undefined
        ? {}
        : { conditions: conditions.map(({ type, status: isTrue }) => ({ type, status: isTrue })) }),
    },
  };
};

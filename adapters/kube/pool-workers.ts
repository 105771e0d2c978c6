/** The workers that refer to a pool, of every namespace or of some. */
import { KINDS } from '../../api/names.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { RESOLVED_REFS } from '../../core/lifecycle/reasons.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import { parseResourceVersion } from '../../core/resource-version.ts';
import type { Reads } from '../../core/status/memory.ts';
import type { CountedWorker, Extent } from '../../core/status/observed.ts';
import type { KubeClient } from './client.ts';
import { keepIdentity } from './lean.ts';
import { listAll, type ListCall } from './list.ts';
import { ourCollectionPath, ourNamespacedCollectionPath } from './paths.ts';

const { plural } = KINDS.worker;

/** @throws {KubeError} */
export async function listWorkersOf(kube: KubeClient, key: PoolKey): Promise<readonly Worker[]> {
  const lists = await Promise.all(everywhere(key).map((call) => listAll<Worker>(kube, call, keepReference)));
  return lists.flatMap(({ items }) => items);
}

type Search = Pick<Reads, 'namespaces'> & Pick<ListCall, 'notOlderThan'>;

export interface FoundWorkers {
  readonly workers: readonly CountedWorker[];
  readonly extent: Extent;
}

/** One LIST for each namespace, or two for all. @throws {KubeError} */
export async function findWorkers(
  kube: KubeClient,
  key: PoolKey,
  { namespaces, notOlderThan }: Search,
): Promise<FoundWorkers> {
  const calls = namespaces === undefined ? everywhere(key) : [...namespaces].map((namespace) => within(key, namespace));
  const lists = await Promise.all(
    calls.map((call) => listAll<Worker, CountedWorker>(kube, { ...call, notOlderThan }, keepCounted)),
  );
  const versions = lists.map(({ resourceVersion }) => parseResourceVersion(resourceVersion) ?? 0);
  return {
    workers: lists.flatMap(({ items }) => items),
    extent: { namespaces: namespaces ?? 'all', version: versions.length === 0 ? undefined : Math.min(...versions) },
  };
}

const everywhere = ({ namespace, name }: PoolKey): readonly ListCall[] => [
  select(ourCollectionPath(plural), `spec.poolRef.name=${name},spec.poolRef.namespace=${namespace}`),
  // A worker from before admission leaves the namespace out, and means its own.
  select(ourNamespacedCollectionPath(plural, namespace), `spec.poolRef.name=${name},spec.poolRef.namespace=`),
];

/** In the pool's own namespace with those that leave it out, and with those that mean a pool of that name elsewhere. */
const within = (pool: PoolKey, namespace: string): ListCall =>
  select(
    ourNamespacedCollectionPath(plural, namespace),
    `spec.poolRef.name=${pool.name}${namespace === pool.namespace ? '' : `,spec.poolRef.namespace=${pool.namespace}`}`,
  );

const select = (path: string, fieldSelector: string): ListCall => ({ path, query: { fieldSelector } });

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

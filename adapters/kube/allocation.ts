/** Leases and workers, as `allocation` reads and writes them: each write fails where somebody wrote the object before. */
import { LABELS } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { AllocationStore } from '../../core/allocation/acquire.ts';
import type { Lease } from '../../core/lifecycle/cluster-objects.ts';
import { formatPoolKey } from '../../core/pool-reference.ts';
import { createReadSharing } from '../../core/shared-reads.ts';
import { captureActivity } from '../activity.ts';
import type { Kube } from './api.ts';
import { KubeError } from './errors.ts';
import { leases, workers } from './resources.ts';

export function createAllocationStore(kube: Kube): AllocationStore {
  const { arrive, share } = createReadSharing(captureActivity);
  const [ofLeases, ofWorkers] = [leases(kube), workers(kube)];
  const listWorkers = share((pool: Pool) => listWorkersOf(kube, pool), keyOf);
  const listLeases = share((pool: Pool) => listLeasesOf(kube, pool), keyOf);
  return {
    getLease: async (namespace, name) => (await ofLeases.get({ namespace, name })) as Lease | undefined,
    getWorker: (key) => ofWorkers.get(key),
    listWorkers: (pool) => listWorkers(arrive(), pool),
    listLeases: (pool) => listLeases(arrive(), pool),
    createLease: (lease) => orStale(ofLeases.create(toWritable(lease)) as Promise<Lease>),
    writeLease: (lease) => orStale(ofLeases.replace(toWritable(lease)) as Promise<Lease>),
    createWorker: (worker) => orStale(ofWorkers.create(worker)),
    bindWorker: ({ metadata }, { labels, lease }) => {
      const { uid, resourceVersion } = metadata;
      return orStale(ofWorkers.patch(metadata, { metadata: { uid, resourceVersion, labels }, spec: { lease } }));
    },
  };
}

const keyOf = ({ metadata }: Pool): string => formatPoolKey(metadata);

type WritableLease = Parameters<ReturnType<typeof leases>['create']>[0];

/** The same fields, but that the library's lists are not read-only. */
const toWritable = (lease: object): WritableLease => lease as WritableLease;

async function orStale<T>(written: Promise<T>): Promise<T | 'stale'> {
  try {
    return await written;
  } catch (error) {
    if (error instanceof KubeError && [404, 409].includes(error.status)) return 'stale';
    throw error;
  }
}

async function listWorkersOf(kube: Kube, { metadata: { namespace, name } }: Pool): Promise<readonly Worker[]> {
  const { list } = workers(kube);
  const select = `spec.poolRef.name=${name},spec.poolRef.namespace=`;
  const lists = await Promise.all([
    list({ fieldSelector: `${select}${namespace}` }, keepWorker),
    // A worker from before admission leaves the namespace out, and means its own.
    list({ namespace, fieldSelector: select }, keepWorker),
  ]);
  return lists.flatMap(({ items }) => items);
}

/** Without what field managers own, which is most of it. */
const keepWorker = ({ metadata, spec, status }: Worker): Worker => ({
  metadata: withoutManagers(metadata),
  spec,
  ...(status === undefined ? {} : { status }),
});

async function listLeasesOf(kube: Kube, { metadata: { namespace, name } }: Pool): Promise<readonly Lease[]> {
  const query = { namespace, labelSelector: `${LABELS.workerPool}=${name}` };
  const { items } = await leases(kube).list(query, (lease): Lease => {
    const { metadata, spec } = lease as Lease;
    return { metadata: withoutManagers(metadata), spec };
  });
  return items;
}

const withoutManagers = <T extends object>(metadata: T): T =>
  Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== 'managedFields')) as T;

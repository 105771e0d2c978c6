/** Which leases are over, and which workers nobody holds any more. No I/O. No clock. */
import { expiresAtMs, holderOf, isExpired, isOfPool, leaseIdOf } from '../allocation/lease.ts';
import { isHeldBy, isLeased, leaseUidOf } from '../allocation/worker.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { Lease } from './cluster-objects.ts';

/** Leases of this very pool; what else has their labels is left alone. */
export const leasesOf = (pool: Pool, leases: readonly Lease[]): readonly Lease[] =>
  leases.filter((lease) => isOfPool(lease, pool) && leaseIdOf(pool.metadata.name, lease) !== undefined);

export interface LeasePlan {
  /** Nobody renewed them. Each is deleted as it was read, so that a renewal that comes first keeps it. */
  readonly leasesToDelete: readonly Lease[];
  /**
   * Workers whose lease is over, or has another worker. They were listed before the Leases, so a Lease that is missing was
   * missing then, or is deleted above, first.
   */
  readonly release: readonly Worker[];
  readonly nextDueAt: Date | undefined;
}

export function planLeases(pool: Pool, workers: readonly Worker[], listed: readonly Lease[], now: Date): LeasePlan {
  const leases = leasesOf(pool, listed);
  const [over, live] = [leases.filter((one) => isExpired(one, now)), leases.filter((one) => !isExpired(one, now))];
  const byUid = new Map(live.map((lease) => [lease.metadata.uid, lease]));
  return {
    leasesToDelete: over,
    release: workers.filter((worker) => isLeased(worker) && !holds(worker, byUid.get(leaseUidOf(worker) ?? ''))),
    nextDueAt: earliest(live.map(expiresAtMs)),
  };
}

/** Whether Lease and worker name each other. */
export function holds(worker: Worker, lease: Lease | undefined): boolean {
  const holder = lease === undefined ? undefined : holderOf(lease);
  if (lease === undefined || holder === undefined || !isHeldBy(worker, lease)) return false;
  const { namespace, name, uid } = worker.metadata;
  return holder.namespace === namespace && holder.name === name && (holder.uid ?? uid) === uid;
}

export const earliest = (timesMs: readonly number[]): Date | undefined =>
  timesMs.length === 0 ? undefined : new Date(Math.min(...timesMs));

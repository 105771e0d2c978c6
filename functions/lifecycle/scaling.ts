/** How many workers a pool has, whose they are, and what its gateways know of that. */
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { NewWorker } from '../../core/allocation/worker.ts';
import type { Lease } from '../../core/lifecycle/cluster-objects.ts';
import { planRoutes } from '../../core/lifecycle/routes.ts';
import { planScale, type ScalePlan, type ScheduleTimes } from '../../core/lifecycle/scale.ts';
import type { Routes } from '../../api/routes.ts';
import type { BroughtUp } from './pods.ts';

/** `stale`: somebody wrote the object since it was read. */
type Written = 'written' | 'stale' | 'gone';

export interface ScalePorts {
  readonly readSchedule: (cron: string, now: Date) => ScheduleTimes;
  readonly deleteLease: (lease: Lease) => Promise<Written>;
  readonly releaseWorker: (worker: Worker, now: Date) => Promise<Written>;
  /** `refused`: a quota or admission keeps it from being. */
  readonly createWorker: (worker: NewWorker) => Promise<'written' | 'exists' | 'refused'>;
  readonly deleteWorker: (worker: Worker) => Promise<Written>;
  /** UIDs of the Leases whose principals may use the pool no more. Rejects when nobody can say now. */
  readonly findRefused: (pool: Pool, leases: readonly Lease[]) => Promise<ReadonlySet<string>>;
  readonly writeRoutes: (pool: Pool, routes: Routes) => Promise<void>;
  readonly clusterFqdn: string;
  readonly now: () => Date;
}

/** `false` when something was written meanwhile: all is read anew then. @throws when something could not be written. */
export async function scale(ports: ScalePorts, observed: BroughtUp): Promise<boolean> {
  const now = ports.now();
  const planned = planScale(observed, now, ports.readSchedule);
  const isApplied = await carryOut(ports, planned);
  const { pool } = observed;
  if (pool === undefined || pool.metadata.deletionTimestamp !== undefined) return isApplied;
  const due = [observed.nextDueAt, planned.nextDueAt].filter((time) => time !== undefined);
  const routes = planRoutes(observed, now, {
    clusterFqdn: ports.clusterFqdn,
    refused: await ports.findRefused(pool, observed.leases),
    nextDueAt: due.toSorted((left, right) => left.getTime() - right.getTime())[0],
  });
  if (routes !== undefined) await ports.writeRoutes(pool, routes);
  return isApplied;
}

/** In the order in which each is safe: who is released has no Lease by then, and who is deleted has none either. */
async function carryOut(ports: ScalePorts, planned: ScalePlan): Promise<boolean> {
  const stale: string[] = [];
  const note = (what: string, written: string): void => {
    if (written === 'stale') stale.push(what);
  };
  for (const lease of planned.leasesToDelete) note('lease', await ports.deleteLease(lease));
  if (stale.length > 0) return false;
  for (const worker of planned.release) note('release', await ports.releaseWorker(worker, ports.now()));
  for (const worker of planned.delete) note('delete', await ports.deleteWorker(worker));
  for (const worker of planned.create) await ports.createWorker(worker);
  return stale.length === 0;
}

/** Which worker a lease gets: an idle one of its trust domain, an idle one of none, one that starts, a new one. No I/O. */
import { defaultMaxWorkers } from '../../api/limits/fields.ts';
import { maxWorkerAgeMs } from '../../api/limits/allocation.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { Claim, WorkerKey } from './lease.ts';
import { domainOfWorker, isBeingDeleted, isFailed, isLeased, isLeaving, isReady } from './worker.ts';

export type Choice =
  | { readonly kind: 'worker'; readonly worker: Worker }
  /** One that is to be made under this name. */
  | { readonly kind: 'new'; readonly holder: WorkerKey }
  /** All are there that may be, and some of them can be replaced: `lifecycle` does so for a Lease that waits. */
  | { readonly kind: 'wait' }
  /** All are there that may be, and all are leased. */
  | { readonly kind: 'full'; readonly max: number };

/** `avoid`: names of workers that others of this process are about to bind. */
export function choose(
  { pool, claim, avoid }: { readonly pool: Pool; readonly claim: Claim; readonly avoid: ReadonlySet<string> },
  workers: readonly Worker[],
  now: Date,
): Choice {
  const free = workers.filter((worker) => isFree(worker, now) && fits(worker, claim, pool));
  const best = Math.min(...free.map(rank));
  const candidates = free.filter((worker) => rank(worker) === best);
  const unclaimed = candidates.filter(({ metadata: { name } }) => !avoid.has(name));
  const worker = pick(unclaimed.length > 0 ? unclaimed : candidates, claim);
  return worker === undefined ? chooseNew(pool, claim, workers) : { kind: 'worker', worker };
}

/** A worker that is old is drained: buildkitd reads its certificate once. */
export const isOld = ({ metadata: { creationTimestamp = '' } }: Worker, now: Date): boolean =>
  now.getTime() - Date.parse(creationTimestamp) >= maxWorkerAgeMs;

const isFree = (worker: Worker, now: Date): boolean =>
  !isLeased(worker) && !isLeaving(worker) && !isFailed(worker) && !isOld(worker, now);

const fits = (worker: Worker, { domain }: Claim, pool: Pool): boolean =>
  pool.spec.workers?.sharing === 'Pool' || [undefined, domain].includes(domainOfWorker(worker));

/** Warm before cold, and ready before what starts. */
const rank = (worker: Worker): number => (isReady(worker) ? 0 : 2) + (domainOfWorker(worker) === undefined ? 1 : 0);

/** Leases differ in whom they try first, so that many at once seldom try the same. */
const pick = (workers: readonly Worker[], claim: Claim): Worker | undefined => workers[spread(claim, workers.length)];

const spread = ({ lease }: Claim, count: number): number =>
  count === 0 ? 0 : Number.parseInt(lease.slice(0, 8), 16) % count;

/** A name for each worker that may be: whoever creates an object under it holds it, so no two go beyond the most. */
function chooseNew(pool: Pool, claim: Claim, workers: readonly Worker[]): Choice {
  const max = maxWorkersOf(pool);
  const { namespace } = pool.metadata;
  const live = workers.filter((worker) => !isBeingDeleted(worker));
  if (pool.spec.workers?.scaling?.mode === 'manual') return { kind: 'full', max: live.length };
  if (live.length >= max) return live.every(isLeased) ? { kind: 'full', max } : { kind: 'wait' };
  const name = findFreeSlot(pool, workers, spread(claim, max));
  return name === undefined ? { kind: 'wait' } : { kind: 'new', holder: { namespace, name } };
}

export const maxWorkersOf = ({ spec }: Pool): number => spec.workers?.scaling?.max ?? defaultMaxWorkers;

export function findFreeSlot(pool: Pool, workers: readonly Worker[], first: number): string | undefined {
  const max = maxWorkersOf(pool);
  const taken = new Set(
    workers
      .filter(({ metadata }) => metadata.namespace === pool.metadata.namespace)
      .map(({ metadata }) => metadata.name),
  );
  for (let index = 0; index < max; index += 1) {
    const name = slotName(pool, (first + index) % max);
    if (!taken.has(name)) return name;
  }
  return undefined;
}

const slotName = ({ metadata: { name } }: Pool, slot: number): string => `${name}-${slot}`;

/** Whether a worker of that name may be made anew when there is none. */
export function isSlot(pool: Pool, { namespace, name }: WorkerKey): boolean {
  const slot = /-(0|[1-9][0-9]*)$/.exec(name)?.[1];
  return (
    namespace === pool.metadata.namespace &&
    slot !== undefined &&
    Number(slot) < maxWorkersOf(pool) &&
    name === slotName(pool, Number(slot))
  );
}

/**
 * How many workers a pool has, and which go: `min` idle ones beside those that are leased, at most `max`, none that is old
 * or idle for long, and never one with a lease.
 *
 * Only workers that we made are deleted: those of tenants are theirs. No I/O. No clock.
 */
import { defaultIdleTimeoutMs, failedWorkerMs, maxWorkerAgeMs } from '../../api/limits/allocation.ts';
import { LABELS, MANAGED_BY, TEMPLATE_ANNOTATION } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { findFreeSlot, isOld, maxWorkersOf } from '../allocation/choose.ts';
import { domainOf, holderOf, isExpired, isShared, transitionedAtMs } from '../allocation/lease.ts';
import {
  domainOfWorker,
  isBeingDeleted,
  isFailed,
  isLeased,
  isLeaving,
  makeWorker,
  type NewWorker,
} from '../allocation/worker.ts';
import { parseDuration } from '../duration.ts';
import { formatPoolKey, poolOfWorker } from '../pool-reference.ts';
import type { Lease } from './cluster-objects.ts';
import { earliest, leasesOf, planLeases, type LeasePlan } from './leases.ts';
import type { ObservedPool } from './observed.ts';
import { findPod } from './pods.ts';

export interface ScheduleTimes {
  readonly previous: Date | undefined;
  readonly next: Date | undefined;
}

/** In this order; each write fails where somebody wrote the object since it was read, and then all is read anew. */
export interface ScalePlan extends LeasePlan {
  readonly create: readonly NewWorker[];
  readonly delete: readonly Worker[];
}

type ReadSchedule = (cron: string, now: Date) => ScheduleTimes;

const nothing: ScalePlan = { leasesToDelete: [], release: [], create: [], delete: [], nextDueAt: undefined };

export function planScale(observed: ObservedPool, now: Date, readSchedule: ReadSchedule): ScalePlan {
  const { pool, key } = observed;
  if (pool === undefined) return nothing;
  const all = observed.workers.filter((worker) => formatPoolKey(poolOfWorker(worker)) === formatPoolKey(key));
  const leasePlan = planLeases(pool, all, observed.leases, now);
  if (pool.metadata.deletionTimestamp !== undefined || pool.spec.workers?.scaling?.mode === 'manual') {
    return { ...leasePlan, create: [], delete: [] };
  }
  const leases = leasesOf(pool, observed.leases).filter((lease) => !isExpired(lease, now));
  const schedule = readScheduleOf(pool, now, readSchedule);
  const min = countMin(pool, { all, leases, schedule, now });
  const facts = { pool, all, leases, now, min, isOutdated: (worker: Worker) => isOutdated(worker, observed) };
  const removal = planRemoval(facts);
  return {
    leasesToDelete: leasePlan.leasesToDelete,
    release: leasePlan.release,
    create: planCreation(facts, removal.workers),
    delete: removal.workers,
    nextDueAt: earliest(
      [leasePlan.nextDueAt, removal.nextDueAt, schedule?.next].flatMap((at) =>
        at === undefined ? [] : [at.getTime()],
      ),
    ),
  };
}

interface Facts {
  readonly pool: Pool;
  /** Those that are being deleted among them: they still have their names. */
  readonly all: readonly Worker[];
  /** That are not over. */
  readonly leases: readonly Lease[];
  readonly now: Date;
  readonly min: number;
  /** Whether its Pod was made of something else than Pods are made of now. */
  readonly isOutdated: (worker: Worker) => boolean;
}

/** A Pod of an earlier release has no such annotation. */
function isOutdated(worker: Worker, observed: ObservedPool): boolean {
  const pod = findPod(observed, worker);
  return (
    observed.templateHash !== undefined &&
    pod !== undefined &&
    pod.metadata.annotations?.[TEMPLATE_ANNOTATION] !== observed.templateHash
  );
}

function readScheduleOf({ spec }: Pool, now: Date, read: ReadSchedule): ScheduleTimes | undefined {
  const cron = spec.workers?.scaling?.schedule;
  return cron === undefined ? undefined : read(cron, now);
}

/** After its schedule matched, a pool stays at zero until somebody builds. */
function countMin(
  { metadata, spec }: Pool,
  {
    all,
    leases,
    schedule,
    now,
  }: Pick<Facts, 'all' | 'leases' | 'now'> & { readonly schedule: ScheduleTimes | undefined },
): number {
  const { min = 0 } = spec.workers?.scaling ?? {};
  const matchedMs = schedule?.previous?.getTime();
  if (matchedMs === undefined) return min;
  const activeMs = [
    Date.parse(metadata.creationTimestamp ?? ''),
    ...leases.map(transitionedAtMs),
    ...all.map((worker) => Date.parse(worker.status?.lastActivityAt ?? '')),
  ];
  return activeMs.some((at) => at >= matchedMs && at <= now.getTime()) ? min : 0;
}

const isOurs = ({ metadata }: Worker, pool: Pool): boolean =>
  metadata.namespace === pool.metadata.namespace && metadata.labels?.[LABELS.managedBy] === MANAGED_BY;

interface Removal {
  readonly workers: readonly Worker[];
  readonly nextDueAt: Date | undefined;
}

function planRemoval(facts: Facts): Removal {
  const { pool, all, now, min } = facts;
  const live = all.filter((worker) => !isBeingDeleted(worker));
  const ours = live.filter((worker) => !isLeased(worker) && isOurs(worker, pool));
  const isDone = (worker: Worker) => endsAtMs(worker) <= now.getTime();
  const must = ours.filter((worker) => isDone(worker) || isLeaving(worker) || facts.isOutdated(worker));
  // The longest idle go first; those of no domain last, since every client can have them.
  const idle = ours.filter((worker) => !must.includes(worker) && !isFailed(worker)).toSorted(byUse);
  const kept = live.filter((worker) => isIdle(worker) && !must.includes(worker)).length;
  const spare = Math.max(0, kept - min);
  const wanted = Math.min(countReplaceable(facts, idle), idle.length);
  const over = Math.max(0, live.length - must.length - maxWorkersOf(pool));
  const timeoutMs = scheduleIdleMs(pool);
  const expired = idle.filter((worker) => usedAtMs(worker) + timeoutMs <= now.getTime()).slice(0, spare);
  const workers = [
    ...new Set([
      ...must,
      ...expired,
      ...idle.slice(0, over),
      ...idle.filter((one) => blocks(one, facts)).slice(0, wanted),
    ]),
  ];
  const waits =
    spare > expired.length ? idle.filter((one) => !expired.includes(one)).map((one) => usedAtMs(one) + timeoutMs) : [];
  const left = ours.filter((worker) => !workers.includes(worker));
  return {
    workers,
    nextDueAt: earliest([...waits, ...left.map(endsAtMs)].filter((at) => Number.isFinite(at) && at > now.getTime())),
  };
}

const isIdle = (worker: Worker): boolean => !isLeased(worker) && !isFailed(worker) && !isLeaving(worker);

/** An old worker goes when its build has ended; a failed one after somebody could look at it. */
function endsAtMs(worker: Worker): number {
  const oldAtMs = Date.parse(worker.metadata.creationTimestamp ?? '') + maxWorkerAgeMs;
  return isFailed(worker) ? Math.min(oldAtMs, failedAtMs(worker) + failedWorkerMs) : oldAtMs;
}

function failedAtMs({ metadata, status }: Worker): number {
  const ready = (status?.conditions ?? []).find(({ type }) => type === 'Ready');
  return Date.parse(ready?.lastTransitionTime ?? metadata.creationTimestamp ?? '');
}

function usedAtMs({ metadata, status }: Worker): number {
  const times = [metadata.creationTimestamp, status?.readyAt, status?.lastActivityAt];
  return Math.max(...times.flatMap((time) => (time === undefined ? [] : [Date.parse(time)])));
}

const byUse = (left: Worker, right: Worker): number =>
  Number(domainOfWorker(left) === undefined) - Number(domainOfWorker(right) === undefined) ||
  usedAtMs(left) - usedAtMs(right);

/** What cannot be parsed was let in by no schema. */
function scheduleIdleMs({ spec }: Pool): number {
  const text = spec.workers?.scaling?.idleTimeout;
  const parsed = text === undefined ? undefined : parseDuration(text);
  return parsed?.ok === true ? Number(parsed.value / 1_000_000n) : defaultIdleTimeoutMs;
}

/** Leases that wait while all workers exist: so many idle ones of other domains make way. */
function countReplaceable({ pool, all, leases }: Facts, idle: readonly Worker[]): number {
  const live = all.filter((worker) => !isBeingDeleted(worker));
  const leaving = all.length - live.length;
  const waiting = leases.filter((lease) => holderOf(lease) === undefined).length;
  return live.length < maxWorkersOf(pool) || idle.length === 0 ? 0 : Math.max(0, waiting - leaving);
}

/** Whether the worker is of no use to some lease that waits. */
const blocks = (worker: Worker, { leases }: Facts): boolean =>
  leases.some(
    (lease) =>
      holderOf(lease) === undefined &&
      !isShared(lease) &&
      domainOfWorker(worker) !== undefined &&
      domainOfWorker(worker) !== domainOf(lease),
  );

/** The name of a new worker is free now: whoever else makes one meanwhile has another, or the same. */
function planCreation({ pool, all, now, min }: Facts, removed: readonly Worker[]): readonly NewWorker[] {
  const live = all.filter((worker) => !isBeingDeleted(worker) && !removed.includes(worker));
  const idle = live.filter((worker) => isIdle(worker) && !isOld(worker, now)).length;
  const missing = Math.min(min - idle, maxWorkersOf(pool) - live.length);
  const workers: NewWorker[] = [];
  const taken = [...all];
  for (let count = 0; count < missing; count += 1) {
    const name = findFreeSlot(pool, taken, 0);
    if (name === undefined) break;
    const worker = makeWorker(pool, name);
    workers.push(worker);
    taken.push({ metadata: { ...worker.metadata, uid: '', resourceVersion: '' }, spec: worker.spec });
  }
  return workers;
}

/**
 * What is to be done next so that a certificate has one worker: a pure step that is taken again and again, from whatever
 * was read, by as many at once as there are. Each write fails when somebody wrote the object since it was read; then all
 * is read anew. docs/allocation.md has the states as a table. No I/O. No clock.
 */
import { maxReplacementMs, minReplacementMs } from '../../api/limits/allocation.ts';
import type { ProblemCode } from '../../api/http/problem.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { Lease } from '../lifecycle/cluster-objects.ts';
import { formatPoolKey } from '../pool-reference.ts';
import { choose, isSlot } from './choose.ts';
import {
  gatewayOf,
  holderOf,
  isExpired,
  isOfPool,
  isRenewalDue,
  makeLease,
  principalOf,
  renewed,
  transitionedAtMs,
  withHolder,
  withWorkerUid,
  type Claim,
  type NewLease,
  type WorkerKey,
} from './lease.ts';
import {
  isFailed,
  isHeldBy,
  isLeaving,
  isReady,
  makeBinding,
  makeWorker,
  mayBind,
  type Binding,
  type NewWorker,
} from './worker.ts';

export interface Task {
  readonly pool: Pool;
  readonly claim: Claim;
  /** Names of workers that others of this process are about to bind. */
  readonly avoid: ReadonlySet<string>;
  /** The pool bounds the connections of a lease: one that was made for another gateway is none of ours. */
  readonly isBounded?: boolean;
}

/** What was read, in this order; `none` is what is not there. Nothing of it outlives a write. */
export interface Observed {
  readonly lease?: Lease | 'none';
  readonly holder?: Worker | 'none';
  /** The Lease was read again after the worker, and was the same. */
  readonly isConfirmed?: boolean;
  /** All workers of the pool and all its Leases. */
  readonly lists?: { readonly workers: readonly Worker[]; readonly leases: readonly Lease[] };
}

export type Read =
  | { readonly do: 'read lease' }
  | { readonly do: 'read holder'; readonly holder: WorkerKey }
  | { readonly do: 'confirm lease'; readonly lease: Lease }
  | { readonly do: 'read lists' };

export type Write =
  | { readonly do: 'create lease'; readonly lease: NewLease }
  | { readonly do: 'write lease'; readonly lease: Lease }
  | { readonly do: 'create worker'; readonly worker: NewWorker }
  | { readonly do: 'bind worker'; readonly worker: Worker; readonly binding: Binding };

export type Answer =
  | { readonly do: 'grant'; readonly worker: Worker }
  | { readonly do: 'wait'; readonly reason: string; readonly message: string }
  /** Another gateway was faster: another lease is to be chosen. */
  | { readonly do: 'taken' }
  | { readonly do: 'refuse'; readonly code: ProblemCode; readonly detail: string };

export type Step = Read | Write | Answer;

export function next(task: Task, observed: Observed, now: Date): Step {
  const { lease } = observed;
  if (lease === undefined) return { do: 'read lease' };
  if (lease === 'none') return planNew(task, observed, now);
  if (!isOfPool(lease, task.pool)) return formerPool;
  if (task.isBounded === true && gatewayOf(lease) !== task.claim.gateway) return { do: 'taken' };
  const holder = holderOf(lease);
  if (holder === undefined) return planWaiting(task, lease, observed, now);
  if (observed.holder === undefined) return { do: 'read holder', holder };
  if (holder.uid === undefined)
    return planMade(task, lease, { ...observed, holder: observed.holder, named: holder }, now);
  if (observed.holder === 'none' || observed.holder.metadata.uid !== holder.uid)
    return planMove(task, lease, observed, now);
  if (isHeldBy(observed.holder, lease)) return planHeld(task, lease, { ...observed, holder: observed.holder }, now);
  if (!mayBind(observed.holder, lease)) return planMove(task, lease, observed, now);
  return { do: 'bind worker', worker: observed.holder, binding: makeBinding(task.claim, lease, observed.holder, now) };
}

/** The garbage collector is about to delete it: the pool has its name from another. */
const formerPool: Answer = {
  do: 'wait',
  reason: 'PoolRecreated',
  message: 'a lease of the pool that had this name before is being deleted',
};

interface Made extends Observed {
  readonly holder: Worker | 'none';
  readonly named: WorkerKey;
}

/** A worker is made for the Lease: two who see that there is none make one, and write its UID before it is used. */
function planMade(task: Task, lease: Lease, observed: Made, now: Date): Step {
  const { holder, named } = observed;
  if (holder === 'none') {
    if (!isSlot(task.pool, named)) return planMove(task, lease, observed, now);
    return {
      do: 'create worker',
      worker: makeWorker(task.pool, named.name, makeBinding(task.claim, lease, undefined, now)),
    };
  }
  if (!isHeldBy(holder, lease)) return planMove(task, lease, observed, now);
  return { do: 'write lease', lease: withWorkerUid(renewed(lease, now), holder.metadata) };
}

function planNew(task: Task, { lists }: Observed, now: Date): Step {
  if (lists === undefined) return { do: 'read lists' };
  const { pool, claim } = task;
  const limit = pool.spec.access?.clients?.limits?.leases;
  const held = lists.leases.filter((lease) => principalOf(lease) === claim.principal && !isExpired(lease, now)).length;
  if (limit !== undefined && held >= limit) return refuseLimit(task, limit);
  const choice = choose(task, lists.workers, now);
  switch (choice.kind) {
    case 'worker':
      return { do: 'create lease', lease: makeLease(pool, claim, choice.worker.metadata, now) };
    case 'new':
      return { do: 'create lease', lease: makeLease(pool, claim, choice.holder, now) };
    case 'wait':
      return { do: 'create lease', lease: makeLease(pool, claim, undefined, now) };
    case 'full':
      return refuseFull(task, choice.max);
  }
}

function planWaiting(task: Task, lease: Lease, { lists }: Observed, now: Date): Step {
  if (isRenewalDue(lease, now)) return { do: 'write lease', lease: renewed(lease, now) };
  if (lists === undefined) return { do: 'read lists' };
  return move(task, lease, lists.workers, now);
}

function planHeld(task: Task, lease: Lease, observed: Observed & { holder: Worker }, now: Date): Step {
  const { holder, isConfirmed = false } = observed;
  // It keeps the lease until it is gone or the lease is over: reconnects of what still runs there start no other worker.
  if (isLeaving(holder))
    return { do: 'wait', reason: 'WorkerDraining', message: 'the worker of this certificate is being drained' };
  if (isFailed(holder)) return planFailed(task, lease, observed, now);
  if (isRenewalDue(lease, now)) return { do: 'write lease', lease: renewed(lease, now) };
  if (!isReady(holder)) return { do: 'wait', ...describe(holder) };
  return isConfirmed ? { do: 'grant', worker: holder } : { do: 'confirm lease', lease };
}

function planFailed(task: Task, lease: Lease, observed: Observed & { holder: Worker }, now: Date): Step {
  const pauseMs = Math.min(minReplacementMs * 2 ** Math.min(lease.spec.leaseTransitions ?? 0, 16), maxReplacementMs);
  if (now.getTime() - transitionedAtMs(lease) >= pauseMs) return planMove(task, lease, observed, now);
  const { reason, message } = describe(observed.holder);
  const isQuota = reason === 'QuotaExceeded';
  return { do: 'refuse', code: isQuota ? 'quota_exceeded' : 'worker_failed', detail: `${reason}: ${message}` };
}

function planMove(task: Task, lease: Lease, { lists }: Observed, now: Date): Step {
  return lists === undefined ? { do: 'read lists' } : move(task, lease, lists.workers, now);
}

function move(task: Task, lease: Lease, workers: readonly Worker[], now: Date): Step {
  const choice = choose(task, workers, now);
  switch (choice.kind) {
    case 'worker':
      return { do: 'write lease', lease: withHolder(lease, choice.worker.metadata, now) };
    case 'new':
      return { do: 'write lease', lease: withHolder(lease, choice.holder, now) };
    case 'wait':
      return {
        do: 'wait',
        reason: 'PoolFull',
        message: 'all workers of the pool exist; one is being replaced for this certificate',
      };
    case 'full':
      return refuseFull(task, choice.max);
  }
}

const refuseFull = ({ pool }: Task, max: number): Answer => ({
  do: 'refuse',
  code: 'no_worker_free',
  detail: `all ${max} workers of BuildKitPool "${formatPoolKey(pool.metadata)}" are leased; try again when a build has ended`,
});

const refuseLimit = ({ pool, claim }: Task, limit: number): Answer => ({
  do: 'refuse',
  code: 'lease_limit',
  detail: `"${claim.principal}" holds ${limit} leases of BuildKitPool "${formatPoolKey(pool.metadata)}", as many as it may`,
});

/** The words of who makes the worker's Pod; those of this module before anybody has looked at it. */
function describe({ status }: Worker): { readonly reason: string; readonly message: string } {
  const ready = (status?.conditions ?? []).find(({ type, status: isTrue }) => type === 'Ready' && isTrue !== 'True');
  const reason = ready?.reason ?? (status?.phase === 'Failed' ? 'Failed' : 'Provisioning');
  return { reason, message: ready?.message ?? status?.message ?? 'the worker is being made' };
}

/** What becomes of a pool and of the workers that refer to it. No I/O. No clock. */
import { POOL_FINALIZER } from '../../api/names.ts';
import type { UserInfo } from '../../api/review.ts';
import type { WorkerPhase, WorkerStatus } from '../../api/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { mergeConditions, type Verdict } from '../conditions.ts';
import { isSameJson } from '../json.ts';
import { referringWorkers, type Observed } from './observed.ts';
import { isAdmittedTo, judgeReference, type Judgement } from './reference.ts';
import { reviewKey, type Reviews } from './reviews.ts';

export interface WorkerWrite {
  readonly worker: Worker;
  /** The whole status. */
  readonly status: WorkerStatus;
}

export interface Plan {
  /** Whose right must be reviewed before the workers that rest on it can be judged. */
  readonly reviews: readonly UserInfo[];
  readonly workers: readonly WorkerWrite[];
  /** All finalizers the pool should have, once the workers are written; undefined where it has them. */
  readonly finalizers: readonly string[] | undefined;
  /** When a review that a reference rests on is to be renewed. */
  readonly nextDueAt: Date | undefined;
}

/** `reviews` are undefined where the right to attach lets no worker in. */
export function plan(observed: Observed, reviews: Reviews | undefined, now: Date): Plan {
  const { pool } = observed;
  const workers = referringWorkers(observed);
  const judged = workers.map((worker) => ({ worker, judgement: judge(worker, observed, { reviews, now }) }));
  return {
    reviews: listNeeded(judged.map(({ judgement }) => judgement)),
    workers: judged.flatMap(({ worker, judgement }) => {
      if (judgement.outcome === 'review needed') return [];
      const status = makeStatus(worker, pool, { verdict: judgement.verdict, now });
      return isSameJson(worker.status ?? {}, status) ? [] : [{ worker, status }];
    }),
    finalizers: pool === undefined ? undefined : planFinalizers(pool, workers),
    nextDueAt: findEarliest(judged.map(({ judgement }) => judgement)),
  };
}

interface Known {
  readonly reviews: Reviews | undefined;
  readonly now: Date;
}

function judge(worker: Worker, { key, pool, labels }: Observed, { reviews, now }: Known): Judgement {
  // A namespace that is gone takes its workers along: its labels matter no more.
  const own = labels.get(worker.metadata.namespace) ?? {};
  return judgeReference({ worker, key, pool, labels: own, reviews }, now);
}

function listNeeded(judgements: readonly Judgement[]): readonly UserInfo[] {
  const needed = new Map<string, UserInfo>();
  for (const one of judgements) {
    if (one.outcome === 'review needed') needed.set(reviewKey(one.requester), one.requester);
  }
  return [...needed.values()];
}

function findEarliest(judgements: readonly Judgement[]): Date | undefined {
  const times = judgements.flatMap((one) => (one.outcome === 'judged' && one.nextDueAt ? [one.nextDueAt] : []));
  return times.toSorted((left, right) => left.getTime() - right.getTime())[0];
}

interface Finding {
  readonly verdict: Verdict;
  readonly now: Date;
}

function makeStatus(worker: Worker, pool: Pool | undefined, { verdict, now }: Finding): WorkerStatus {
  const { metadata, status: stored = {} } = worker;
  const phase = decidePhase(stored.phase, pool);
  return {
    ...stored,
    ...(phase === undefined ? {} : { phase }),
    ...(verdict.status === 'True' && pool !== undefined ? pin(worker, pool) : {}),
    conditions: mergeConditions(stored.conditions ?? [], [verdict], { now, generation: metadata.generation }),
  };
}

/** Written once: a pool made anew is not the one that a right was given for, however long its workers serve it. */
function pin(worker: Worker, pool: Pool): Pick<WorkerStatus, 'poolUID'> {
  return worker.status?.poolUID === undefined && isAdmittedTo(pool, worker) ? { poolUID: pool.metadata.uid } : {};
}

/** A pool that is being deleted takes its workers out of use; those in use are left until they are free. */
function decidePhase(stored: WorkerPhase | undefined, pool: Pool | undefined): WorkerPhase | undefined {
  if (pool !== undefined && isBeingDeleted(pool)) return stored === 'Allocated' ? stored : 'Terminating';
  // A worker outlives its pool, and serves the next one of that name where a rule permits it.
  return stored === 'Terminating' ? 'Pending' : stored;
}

/** A worker that is itself being deleted does not hold the pool: a tenant's finalizer must not keep another's pool. */
function planFinalizers(pool: Pool, workers: readonly Worker[]): readonly string[] | undefined {
  const { finalizers = [] } = pool.metadata;
  const isHeld = !isBeingDeleted(pool) || workers.some(({ status }) => status?.phase === 'Allocated');
  if (finalizers.includes(POOL_FINALIZER) === isHeld) return undefined;
  if (!isHeld) return finalizers.filter((name) => name !== POOL_FINALIZER);
  // The apiserver takes no new finalizer for an object that is being deleted.
  return isBeingDeleted(pool) ? undefined : [...finalizers, POOL_FINALIZER];
}

const isBeingDeleted = ({ metadata }: Pool): boolean => metadata.deletionTimestamp !== undefined;

/** What becomes of a pool and of the workers that refer to it. No I/O. No clock. */
import { POOL_FINALIZER } from '../../api/names.ts';
import type { UserInfo } from '../../api/review.ts';
import type { WorkerPhase, WorkerStatus } from '../../api/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { mergeConditions, type Verdict } from '../conditions.ts';
import { isSameJson } from '../json.ts';
import { referringWorkers, type Observed } from './observed.ts';
import { describePod, judgePod, type PodState } from './pod-state.ts';
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
  const judged = judgeWorkers(observed, reviews, now).map((one) => ({ ...one, state: stateOf(observed, one, now) }));
  return {
    reviews: listNeeded(judged.map(({ judgement }) => judgement)),
    workers: judged.flatMap(({ worker, judgement, state }) => {
      if (judgement.outcome === 'review needed') return [];
      const status = makeStatus(worker, observed, { verdict: judgement.verdict, state, now });
      return isSameJson(worker.status ?? {}, status) ? [] : [{ worker, status }];
    }),
    finalizers: pool === undefined ? undefined : planFinalizers(pool, workers),
    nextDueAt: findEarliest(judged),
  };
}

export interface JudgedWorker {
  readonly worker: Worker;
  readonly judgement: Judgement;
}

/** Each worker that refers to the pool, and whether it may. */
export const judgeWorkers = (observed: Observed, reviews: Reviews | undefined, now: Date): readonly JudgedWorker[] =>
  referringWorkers(observed).map((worker) => ({ worker, judgement: judge(worker, observed, { reviews, now }) }));

/** Undefined where no Pods are made. */
const stateOf = ({ found }: Observed, { worker }: JudgedWorker, now: Date): PodState | undefined =>
  found === undefined ? undefined : judgePod(worker, found.get(worker.metadata.uid), now);

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

function findEarliest(judged: readonly (JudgedWorker & { readonly state: PodState | undefined })[]): Date | undefined {
  const times = judged.flatMap(({ judgement, state }) => [
    judgement.outcome === 'judged' ? judgement.nextDueAt : undefined,
    state?.nextDueAt,
  ]);
  const known = times.filter((time) => time !== undefined);
  return known.toSorted((left, right) => left.getTime() - right.getTime())[0];
}

interface Finding {
  readonly verdict: Verdict;
  readonly state: PodState | undefined;
  readonly now: Date;
}

function makeStatus(worker: Worker, { pool, found }: Observed, { verdict, state, now }: Finding): WorkerStatus {
  const { metadata, status: stored = {} } = worker;
  const phase = decidePhase(state?.phase ?? stored.phase, pool);
  const verdicts = state === undefined ? [verdict] : [verdict, state.verdict];
  return {
    ...(state === undefined ? stored : dropPod(stored)),
    ...(phase === undefined ? {} : { phase }),
    ...(verdict.status === 'True' && pool !== undefined ? pin(worker, pool) : {}),
    ...(state === undefined ? {} : describePod(worker, found?.get(metadata.uid))),
    ...(state === undefined || state.verdict.status === 'True' ? {} : { message: state.verdict.message }),
    conditions: mergeConditions(stored.conditions ?? [], verdicts, { now, generation: metadata.generation }),
  };
}

const ofPod: ReadonlySet<string> = new Set([
  'podName',
  'podUID',
  'podIP',
  'endpoint',
  'createdAt',
  'readyAt',
  'message',
] satisfies (keyof WorkerStatus)[]);

/** Without what is said of the Pod that there was. */
const dropPod = (stored: WorkerStatus): WorkerStatus =>
  Object.fromEntries(Object.entries(stored).filter(([field]) => !ofPod.has(field)));

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

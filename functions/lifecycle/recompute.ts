/** Brings one pool and the workers that refer to it up to date: gather, review, plan, apply. */
import { maxApplyAttempts } from '../../api/limits/kubernetes.ts';
import { maxParallelWorkerCalls } from '../../api/limits/status.ts';
import { POOL_FINALIZER } from '../../api/names.ts';
import type { UserInfo } from '../../api/review.ts';
import type { WorkerStatus } from '../../api/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { referringWorkers, type Observed } from '../../core/lifecycle/observed.ts';
import { plan, type Plan } from '../../core/lifecycle/plan.ts';
import { recall, reviewKey, type Reviews } from '../../core/lifecycle/reviews.ts';
import type { ObjectVersion } from '../../core/events/parse.ts';
import { forEachAtOnce } from '../../core/parallel.ts';
import { formatPoolKey, type PoolKey } from '../../core/pool-reference.ts';
import type { KeepOptions } from './pool-objects.ts';
import type { BroughtUp } from './pods.ts';

/** `stale`: somebody wrote the object since it was read. `gone`: it exists no more. */
type Applied = 'written' | 'stale' | 'gone';

/** Whether a user may attach workers to the pool; rejects when nobody can say now. */
type MayAttach = (user: UserInfo, pool: PoolKey) => Promise<boolean>;

export interface RecomputePorts {
  readonly gather: (key: PoolKey) => Promise<Observed>;
  /** Undefined where the right to attach lets no worker in. */
  readonly mayAttach: MayAttach | undefined;
  readonly writeStatus: (worker: Worker, status: WorkerStatus) => Promise<Applied>;
  readonly writeFinalizers: (pool: Pool, finalizers: readonly string[]) => Promise<Applied>;
  /** Undefined where no Pods are made. */
  readonly making?: Making | undefined;
  readonly now: () => Date;
}

/** What is made of pools and workers. Each rejects when something could not be read or written. */
export interface Making {
  /** Pods as they should be, and then what there is of them. */
  readonly bringUpPods: (observed: Observed, reviews: Reviews | undefined) => Promise<BroughtUp>;
  /** Objects of the pool in its own namespace. */
  readonly keepPoolObjects: (pool: Pool, options: KeepOptions) => Promise<void>;
  /** After the status of the workers is written: how many there are, and how the gateway finds them. False: read anew. */
  readonly scale: (observed: BroughtUp) => Promise<boolean>;
  /** What a pool that goes leaves behind elsewhere. */
  readonly tidy: (pool: Pool) => Promise<void>;
}

export type Recompute = (key: PoolKey, changed?: readonly ObjectVersion[]) => Promise<void>;

/**
 * Resolves when all is as it should be. @throws when others wrote at every attempt, and for rights that could not be
 * reviewed, after everything else is written.
 */
export function createRecompute(ports: RecomputePorts): Recompute {
  /** By pool. Holds no more than the users whose workers refer to it. */
  const earlier = new Map<string, Reviews>();

  /** A right that nobody can say now leaves the workers that rest on it as they are, and no others. */
  async function reviewDue(observed: Observed, mayAttach: MayAttach) {
    const { key } = observed;
    const reviews = recall(observed, earlier.get(formatPoolKey(key)) ?? new Map());
    const faults: unknown[] = [];
    await forEachAtOnce(plan(observed, reviews, ports.now()).reviews, maxParallelWorkerCalls, async (user) => {
      try {
        const isAllowed = await mayAttach(user, key);
        reviews.set(reviewKey(user), { isAllowed, reviewedAt: ports.now() });
      } catch (error) {
        faults.push(error);
        reviews.delete(reviewKey(user));
      }
    });
    if (reviews.size === 0) earlier.delete(formatPoolKey(key));
    else earlier.set(formatPoolKey(key), reviews);
    return { reviews, fault: faults.length === 0 ? undefined : makeFault(faults) };
  }

  return async (key, changed = []) => {
    for (let attempt = 1; attempt <= maxApplyAttempts; attempt += 1) {
      const observed = await ports.gather(key);
      const reviewed = ports.mayAttach && (await reviewDue(observed, ports.mayAttach));
      const made = ports.making && (await make(ports.making, observed, { reviews: reviewed?.reviews, changed }));
      const planned = plan(made ?? observed, reviewed?.reviews, ports.now());
      const isApplied = await apply(observed, planned, ports);
      if (reviewed?.fault !== undefined) throw reviewed.fault;
      if (!isApplied) continue;
      if (made === undefined || (await ports.making?.scale(withStatus(made, planned))) !== false) return;
    }
    throw new Error(`objects changed during each of ${maxApplyAttempts} attempts`);
  };
}

interface Made {
  readonly reviews: Reviews | undefined;
  readonly changed: readonly ObjectVersion[];
}

async function make(making: Making, observed: Observed, { reviews, changed }: Made): Promise<BroughtUp> {
  const isTouched = changed.some(({ kind }) => kind === 'gateway' || kind === 'any');
  const workerNamespaces = new Set(referringWorkers(observed).map(({ metadata }) => metadata.namespace));
  if (observed.pool !== undefined) await making.keepPoolObjects(observed.pool, { isTouched, workerNamespaces });
  return await making.bringUpPods(observed, reviews);
}

/** As the workers are now. */
function withStatus(made: BroughtUp, { workers, nextDueAt }: Plan): BroughtUp {
  const written = new Map(workers.map(({ worker, status }) => [worker, { ...worker, status }]));
  const due = [made.nextDueAt, nextDueAt].filter((time) => time !== undefined);
  return {
    ...made,
    workers: made.workers.map((worker) => written.get(worker) ?? worker),
    nextDueAt: due.toSorted((left, right) => left.getTime() - right.getTime())[0],
  };
}

const makeFault = (faults: readonly unknown[]): Error =>
  new Error(`rights that could not be reviewed: ${faults.length}`, { cause: faults[0] });

/** False when something was stale. The pool comes last: it goes when its workers are out of use. */
async function apply(
  observed: Observed,
  { workers, finalizers, reviews }: Plan,
  ports: RecomputePorts,
): Promise<boolean> {
  let stale = 0;
  await forEachAtOnce(workers, maxParallelWorkerCalls, async ({ worker, status }) => {
    if ((await ports.writeStatus(worker, status)) === 'stale') stale += 1;
  });
  if (stale > 0) return false;
  if (observed.pool === undefined || finalizers === undefined || reviews.length > 0) return true;
  if (!finalizers.includes(POOL_FINALIZER)) await ports.making?.tidy(observed.pool);
  return (await ports.writeFinalizers(observed.pool, finalizers)) !== 'stale';
}

/** Brings the status of one pool up to date: gather, plan, apply. */
import { maxApplyAttempts } from '../../api/limits/kubernetes.ts';
import type { PoolStatus } from '../../api/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { ObjectVersion } from '../../core/events/parse.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import type { RecomputeCache, Wanted } from '../../core/status/recompute-cache.ts';
import type { ApplyResult, Observed } from '../../core/status/observed.ts';
import { plan } from '../../core/status/plan.ts';
import type { ReceivedReport } from '../../core/status/report.ts';

export interface RecomputePorts {
  /** Undefined when the pool does not exist. */
  readonly gather: (key: PoolKey, wanted: Wanted) => Promise<Observed | undefined>;
  readonly apply: (pool: Pool, status: PoolStatus) => Promise<ApplyResult>;
  readonly cache: RecomputeCache;
  readonly now: () => Date;
}

/** What a run must take into account: objects of events, and reports of gateways. */
export interface News {
  readonly objects?: readonly ObjectVersion[];
  readonly reports?: readonly ReceivedReport[];
}

export type Recompute = (key: PoolKey, objects?: readonly ObjectVersion[]) => Promise<void>;

/** Resolves when the status is true, or the pool is gone. @throws when others wrote the pool at every attempt. */
export const createRecompute =
  (ports: RecomputePorts): Recompute =>
  async (key, objects = []) => {
    await writeStatus(ports, key, { objects });
  };

/** The status that is true then; undefined when the pool is gone. @throws as `createRecompute`. */
export async function writeStatus(
  { gather, apply, cache, now }: RecomputePorts,
  key: PoolKey,
  { objects = [], reports = [] }: News,
): Promise<PoolStatus | undefined> {
  const wanted: Wanted = {
    planReads: (pool) => cache.planReads(pool, objects),
    atLeast: Math.max(0, ...objects.map(({ kind, version = Infinity }) => (kind === 'worker' ? version : 0))),
    withPods: reports.length > 0,
  };
  for (let attempt = 1; attempt <= maxApplyAttempts; attempt += 1) {
    const readAt = cache.latest();
    const observed = await gather(key, wanted);
    const status = observed && (await bringUpToDate(observed, readAt));
    if (status === 'stale') continue;
    if (status === undefined) cache.forget(key);
    return status;
  }
  throw new Error(`the pool changed during each of ${maxApplyAttempts} attempts`);

  async function bringUpToDate(observed: Observed, readAt: number): Promise<PoolStatus | 'stale' | undefined> {
    const planned = plan(observed, now(), reports);
    const result = planned === 'unchanged' ? planned : await apply(observed.pool, planned);
    if (result === 'stale') return 'stale';
    if (result === 'gone') return undefined;
    cache.remember(observed, { written: result === 'unchanged' ? undefined : result.written, readAt });
    return planned === 'unchanged' ? observed.pool.status : planned;
  }
}

/** Brings the status of every pool up to date: one look at everything, and a write of what differs. */
import { maxParallelRecomputes } from '../../api/limits/status.ts';
import type { PoolStatus } from '../../api/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { UpdatePool } from '../../core/events/update.ts';
import { forEachAtOnce } from '../../core/parallel.ts';
import { formatPoolKey } from '../../core/pool-reference.ts';
import type { RecomputeCache } from '../../core/status/recompute-cache.ts';
import type { ApplyResult, Observed } from '../../core/status/observed.ts';
import { plan } from '../../core/status/plan.ts';

export interface Survey {
  /** Every pool there is, and a resource version at which all of them were as they were read, or 0. */
  readonly gather: () => Promise<{ readonly pools: readonly Observed[]; readonly readAt: number }>;
  readonly apply: (pool: Pool, status: PoolStatus) => Promise<ApplyResult>;
}

export interface ResyncPorts {
  readonly beginSurvey: () => Survey;
  readonly cache: RecomputeCache;
  readonly now: () => Date;
}

/**
 * One pool that fails does not keep the others from being written; who was written meanwhile gets an update of its own.
 * @throws when a status could not be written.
 */
export const createResync =
  ({ beginSurvey, cache, now }: ResyncPorts) =>
  async (update: UpdatePool): Promise<void> => {
    const survey = beginSurvey();
    const { pools, readAt } = await survey.gather();
    // What is remembered may be of a time that is no more: of a cluster that was restored from a backup since.
    cache.forgetAll();
    const failures: string[] = [];
    await forEachAtOnce(pools, maxParallelRecomputes, async (one) => {
      try {
        await write(one);
      } catch (error) {
        failures.push(`${formatPoolKey(one.pool.metadata)}: ${(error as Error).message}`);
      }
    });
    const [first] = failures;
    if (first !== undefined) throw new Error(`pools that failed: ${failures.length}; the first: ${first}`);

    async function write(one: Observed): Promise<void> {
      const planned = plan(one, now());
      const result = planned === 'unchanged' ? planned : await survey.apply(one.pool, planned);
      if (result === 'stale') await update(one.pool.metadata);
      else if (result !== 'gone')
        cache.remember(one, { written: result === 'unchanged' ? undefined : result.written, readAt });
    }
  };

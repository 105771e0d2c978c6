/** Brings the status of one pool up to date: gather, plan, apply. */
import { maxApplyAttempts } from '../../api/limits.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolStatus } from '../../api/status.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import type { Observed } from '../../core/status/observed.ts';
import { plan } from '../../core/status/plan.ts';

export interface RecomputePorts {
  /** Undefined when the pool does not exist. */
  readonly gather: (key: PoolKey) => Promise<Observed | undefined>;
  /** `stale`: the pool was written since it was read. */
  readonly apply: (pool: Pool, status: PoolStatus) => Promise<'written' | 'stale' | 'gone'>;
  readonly now: () => Date;
}

export type Recompute = (key: PoolKey) => Promise<void>;

/** Resolves when the status is true, or the pool is gone. @throws when others wrote the pool at every attempt. */
export const createRecompute =
  ({ gather, apply, now }: RecomputePorts): Recompute =>
  async (key) => {
    for (let attempt = 1; attempt <= maxApplyAttempts; attempt += 1) {
      const observed = await gather(key);
      if (observed === undefined) return;
      const planned = plan(observed, now());
      if (planned === 'unchanged' || (await apply(observed.pool, planned)) !== 'stale') return;
    }
    throw new Error(`the pool changed during each of ${maxApplyAttempts} attempts`);
  };

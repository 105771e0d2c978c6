/** Around the runs of a function: each is timed, and leaves one line that says what it did. */
import type { RunOutcome } from '../../api/names.ts';
import { formatPoolKey, type PoolKey } from '../../core/pool-reference.ts';
import { act, type Activity } from '../activity.ts';
import type { Log } from '../log.ts';
import type { FunctionMetrics } from './function-metrics.ts';

export interface RunObserverPorts {
  readonly metrics: Pick<FunctionMetrics, 'timeRecompute' | 'timeResync'>;
  readonly log: Pick<Log, 'info'>;
}

export type Recompute = (pool: PoolKey) => Promise<void>;

/** One that fails is logged by whoever asked for it, who knows what comes of that. */
export const observeRecompute =
  (recompute: Recompute, { metrics, log }: RunObserverPorts): Recompute =>
  (pool) =>
    act(async (activity) => {
      const end = start();
      try {
        await recompute(pool);
      } catch (error) {
        metrics.timeRecompute('failed', end().seconds);
        throw error;
      }
      const { seconds, ms } = end();
      const outcome = outcomeOf(activity);
      metrics.timeRecompute(outcome, seconds);
      log.info(
        { pool: formatPoolKey(pool), outcome, ms, calls: activity.calls, writes: activity.writes },
        'pool recomputed',
      );
    });

const outcomeOf = ({ writes }: Activity): RunOutcome => (writes > 0 ? 'written' : 'unchanged');

function start() {
  const beginMs = performance.now();
  return () => {
    const ms = performance.now() - beginMs;
    return { seconds: ms / 1000, ms: Math.round(ms) };
  };
}

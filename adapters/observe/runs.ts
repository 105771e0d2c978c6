/** Wraps the runs of a function: times each, and logs one line with what it did and for which events. */
import { maxTraceLinks } from '../../api/limits/observability.ts';
import type { RunOutcome } from '../../api/names.ts';
import type { ObjectVersion } from '../../core/events/parse.ts';
import type { UpdatePorts } from '../../core/events/update.ts';
import { formatPoolKey, type PoolKey } from '../../core/pool-reference.ts';
import type { TraceContext } from '../../core/trace/context.ts';
import { act, currentActivity, type Activity } from '../activity.ts';
import type { FunctionMetrics } from './function-metrics.ts';

export interface RunObserverPorts {
  readonly metrics: Pick<FunctionMetrics, 'countCovered' | 'startRecompute' | 'startResync'>;
  readonly log: { readonly info: (fields: object, message: string) => void };
}

type Recompute = (pool: PoolKey, objects: readonly ObjectVersion[]) => Promise<void>;
type Resync = UpdatePorts['resync'];
type IsCovered = NonNullable<UpdatePorts['isCovered']>;

export interface RunObserver {
  /** Called for each event as it comes, and keeps the trace that the event belongs to. */
  readonly isCovered: (isCovered: IsCovered) => IsCovered;
  readonly recompute: (recompute: Recompute) => Recompute;
  readonly resync: (resync: Resync) => Resync;
}

export function createRunObserver({ metrics, log }: RunObserverPorts): RunObserver {
  const traces = new WeakMap<ObjectVersion, TraceContext>();
  return {
    isCovered: (isCovered) => (pool, object) => {
      const activity = currentActivity();
      if (activity !== undefined && !traces.has(object)) traces.set(object, activity.context);
      const covered = isCovered(pool, object);
      if (covered) metrics.countCovered();
      return covered;
    },
    recompute: (recompute) => async (pool, objects) => {
      const [context, ...others] = objects.flatMap((object) => traces.get(object) ?? []);
      // An event that waited for a run of a resync does not belong to the resync.
      const isResync = objects.some(({ kind }) => kind !== 'any') ? false : undefined;
      await act({ context, isResync, work: (activity) => time(activity, others) });

      // The caller logs a run that fails, because the caller knows what follows.
      async function time(activity: Readonly<Activity>, merged: readonly TraceContext[]): Promise<void> {
        const end = metrics.startRecompute();
        try {
          await recompute(pool, objects);
        } catch (error) {
          end('failed');
          throw error;
        }
        const outcome = outcomeOf(activity);
        const ms = toMs(end(outcome));
        if (activity.isResync && outcome === 'unchanged') return;
        const did = { pool: formatPoolKey(pool), outcome, ms, ...countsOf(activity) };
        log.info({ ...did, ...linksTo(merged) }, 'pool recomputed');
      }
    },
    resync: (resync) => async (update) => {
      await act({ isResync: true, work: (activity) => time(activity) });

      async function time(activity: Readonly<Activity>): Promise<void> {
        const end = metrics.startResync();
        try {
          await resync(update);
        } catch (error) {
          end('failed');
          throw error;
        }
        log.info({ ms: toMs(end('done')), ...countsOf(activity) }, 'resync done');
      }
    },
  };
}

const outcomeOf = ({ writes }: Readonly<Activity>): RunOutcome => (writes > 0 ? 'written' : 'unchanged');

const countsOf = ({ calls, writes }: Readonly<Activity>) => ({ calls, writes });

/** The other traces that a run serves; empty when it serves one trace. */
const linksTo = (merged: readonly TraceContext[]) =>
  merged.length === 0
    ? {}
    : { merged: merged.length, links: merged.slice(0, maxTraceLinks).map(({ traceId }) => traceId) };

const toMs = (seconds: number): number => Math.round(seconds * 1000);

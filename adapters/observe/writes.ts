/** Around a write of what was computed: it is counted, and whoever looks at the object is told of what changed. */
import type { ObjectMeta } from '../../api/fields.ts';
import { tellRefused, type OurKind, type Told } from '../../core/kubernetes-events/event.ts';
import { currentActivity } from '../activity.ts';
import { KubeError } from '../kube/client.ts';
import type { Tell } from '../kube/events.ts';
import type { FunctionMetrics } from './function-metrics.ts';

export interface WriteObserverPorts {
  readonly metrics: Pick<FunctionMetrics, 'countWrite'>;
  readonly tell: Tell;
}

/** `written` may come with the resource version that the object has then. */
export type Applied = 'written' | { readonly written: string } | 'stale' | 'gone';
export type Write<O, S, R extends Applied> = (object: O, status: S) => Promise<R>;

export interface ObservedWrite<O, S, R extends Applied> {
  readonly kind: OurKind;
  readonly write: Write<O, S, R>;
  /** What a write that was done is to be told of. */
  readonly tellOf: (object: O, status: S) => readonly Told[];
}

export const observeWrite =
  <O extends { readonly metadata: ObjectMeta }, S, R extends Applied>(
    { kind, write, tellOf }: ObservedWrite<O, S, R>,
    { metrics, tell }: WriteObserverPorts,
  ): Write<O, S, R> =>
  async (object, status) => {
    try {
      const applied = await write(object, status);
      const outcome = outcomeOf(applied);
      metrics.countWrite(kind, outcome);
      const activity = currentActivity();
      if (outcome === 'written' && activity !== undefined) activity.writes += 1;
      if (outcome === 'written') await tell(tellOf(object, status));
      return applied;
    } catch (error) {
      metrics.countWrite(kind, 'failed');
      if (isRefusal(error)) await tell([tellRefused(kind, object.metadata)]);
      throw error;
    }
  };

const outcomeOf = (applied: Applied): 'written' | 'stale' | 'gone' =>
  typeof applied === 'object' ? 'written' : applied;

/** An answer that will be the same next time, which somebody has to mend: a right that lacks, a status that is none. */
const isRefusal = (error: unknown): boolean =>
  error instanceof KubeError && error.status >= 400 && error.status < 500 && error.status !== 429;

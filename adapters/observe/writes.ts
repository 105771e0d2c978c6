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

export type Write<O, S> = (object: O, status: S) => Promise<'written' | 'stale' | 'gone'>;

export interface ObservedWrite<O, S> {
  readonly kind: OurKind;
  readonly write: Write<O, S>;
  /** What a write that was done is to be told of. */
  readonly tellOf: (object: O, status: S) => readonly Told[];
}

export const observeWrite =
  <O extends { readonly metadata: ObjectMeta }, S>(
    { kind, write, tellOf }: ObservedWrite<O, S>,
    { metrics, tell }: WriteObserverPorts,
  ): Write<O, S> =>
  async (object, status) => {
    try {
      const outcome = await write(object, status);
      metrics.countWrite(kind, outcome);
      const activity = currentActivity();
      if (outcome === 'written' && activity !== undefined) activity.writes += 1;
      if (outcome === 'written') await tell(tellOf(object, status));
      return outcome;
    } catch (error) {
      metrics.countWrite(kind, 'failed');
      if (isRefusal(error)) await tell([tellRefused(kind, object.metadata)]);
      throw error;
    }
  };

/** An answer that will be the same next time, which somebody has to mend: a right that lacks, a status that is none. */
const isRefusal = (error: unknown): boolean =>
  error instanceof KubeError && error.status >= 400 && error.status < 500 && error.status !== 429;

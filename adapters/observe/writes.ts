/** Wraps a write of computed state: counts it, and records Events for what it changed. */
import type { ObjectMeta } from '../../api/fields.ts';
import { makeStatusRefusedEvent, type OurKind, type ObjectEvent } from '../../core/kubernetes-events/event.ts';
import { currentActivity } from '../activity.ts';
import { KubeError } from '../kube/client.ts';
import type { RecordEvents } from '../kube/event-recorder.ts';
import type { FunctionMetrics } from './function-metrics.ts';

export interface WriteObserverPorts {
  readonly metrics: Pick<FunctionMetrics, 'countWrite'>;
  readonly recordEvents: RecordEvents;
}

/** `written` may carry the new resource version of the object. */
export type WriteResult = 'written' | { readonly written: string } | 'stale' | 'gone';
export type Write<O, S, R extends WriteResult> = (object: O, status: S) => Promise<R>;

export interface ObservedWrite<O, S, R extends WriteResult> {
  readonly kind: OurKind;
  readonly write: Write<O, S, R>;
  /** Events about a write that succeeded. */
  readonly makeEvents: (object: O, status: S) => readonly ObjectEvent[];
}

export const observeWrite =
  <O extends { readonly metadata: ObjectMeta }, S, R extends WriteResult>(
    { kind, write, makeEvents }: ObservedWrite<O, S, R>,
    { metrics, recordEvents }: WriteObserverPorts,
  ): Write<O, S, R> =>
  async (object, status) => {
    try {
      const result = await write(object, status);
      const outcome = outcomeOf(result);
      metrics.countWrite(kind, outcome);
      const activity = currentActivity();
      if (outcome === 'written' && activity !== undefined) activity.writes += 1;
      if (outcome === 'written') await recordEvents(makeEvents(object, status));
      return result;
    } catch (error) {
      metrics.countWrite(kind, 'failed');
      if (isRefusal(error)) await recordEvents([makeStatusRefusedEvent(kind, object.metadata)]);
      throw error;
    }
  };

const outcomeOf = (result: WriteResult): 'written' | 'stale' | 'gone' =>
  typeof result === 'object' ? 'written' : result;

/** An answer that a retry does not change, such as a missing right or a status that is invalid: somebody has to mend it. */
const isRefusal = (error: unknown): boolean =>
  error instanceof KubeError && error.status >= 400 && error.status < 500 && error.status !== 429;

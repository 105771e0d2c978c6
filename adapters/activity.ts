/**
 * What the code that runs now works for: the trace it belongs to, and what it has done for it so far. The asynchronous
 * calls themselves carry it along, so nothing in between has to hand it on.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { formatTraceparent, parseTraceContext, type TraceContext } from '../core/trace/context.ts';

export interface Activity {
  readonly context: TraceContext;
  /** Requests to the apiserver. */
  calls: number;
  /** Objects written. */
  writes: number;
  /** Whether everything is looked at: what is as it should be is no news then. */
  readonly isResync: boolean;
}

const activities = new AsyncLocalStorage<Activity>();

/** A trace of our own, which nobody records but our log. */
const begin = (): TraceContext => ({
  traceId: randomBytes(16).toString('hex'),
  parentId: randomBytes(8).toString('hex'),
  isSampled: false,
});

export const newTraceparent = (): string => formatTraceparent(begin());

/** Does work in the trace that the request belongs to, or in a new one. */
export function followTrace<T>({ headers }: { readonly headers: Headers }, work: () => T): T {
  // What a source says of the event (CloudEvents, distributed tracing extension) counts where HTTP says nothing.
  const [parent, state] = headers.has('traceparent')
    ? [headers.get('traceparent'), headers.get('tracestate')]
    : [headers.get('ce-traceparent'), headers.get('ce-tracestate')];
  const context = parseTraceContext(parent ?? '', state ?? '') ?? begin();
  return activities.run({ context, calls: 0, writes: 0, isResync: false }, work);
}

interface Work<T> {
  /** The trace that the work is done for; the current one, or a new one, when absent. */
  readonly context?: TraceContext | undefined;
  /** As what it is a part of, when absent. */
  readonly isResync?: boolean | undefined;
  readonly work: (activity: Readonly<Activity>) => Promise<T>;
}

/** Does work that is counted on its own, and then with what it is a part of. */
export async function act<T>({ context, isResync, work }: Work<T>): Promise<T> {
  const whole = activities.getStore();
  const activity: Activity = {
    context: context ?? whole?.context ?? begin(),
    calls: 0,
    writes: 0,
    isResync: isResync ?? whole?.isResync ?? false,
  };
  try {
    return await activities.run(activity, () => work(activity));
  } finally {
    if (whole !== undefined) {
      whole.calls += activity.calls;
      whole.writes += activity.writes;
    }
  }
}

/** What is done through the result is done as a part of what the current code works for. */
export const captureActivity = (): (<T>(work: () => T) => T) => AsyncLocalStorage.snapshot();

export const currentActivity = (): Activity | undefined => activities.getStore();

/** Counts a request to the apiserver, and makes it part of the trace; its line in the audit log is found by it too. */
export function traceCall(): Readonly<Record<string, string>> {
  const activity = activities.getStore();
  if (activity === undefined) return {};
  activity.calls += 1;
  const { context } = activity;
  return {
    traceparent: formatTraceparent(context),
    ...(context.state === undefined ? {} : { tracestate: context.state }),
    'audit-id': `${context.traceId}-${randomBytes(8).toString('hex')}`,
  };
}

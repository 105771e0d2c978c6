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
  return activities.run({ context, calls: 0, writes: 0 }, work);
}

/** Does work that is counted on its own, in the trace that is there, or in a new one. */
export function act<T>(work: (activity: Readonly<Activity>) => T): T {
  const activity = { context: activities.getStore()?.context ?? begin(), calls: 0, writes: 0 };
  return activities.run(activity, () => work(activity));
}

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

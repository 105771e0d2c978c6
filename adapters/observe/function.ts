/** Wraps a function that takes events: traces, counts, times and logs its requests, runs and writes, and records Events. */
import { hostname } from 'node:os';
import type { Hono } from 'hono';
import type { ObjectMeta } from '../../api/fields.ts';
import type { KubeClient } from '../kube/client.ts';
import { createEventRecorder, type RecordEvents } from '../kube/event-recorder.ts';
import type { Log } from '../log.ts';
import type { FunctionMetrics } from './function-metrics.ts';
import { observeRequests, type App, type Asked } from './requests.ts';
import { createRunObserver, type RunObserver } from './runs.ts';
import { observeWrite, type WriteResult, type ObservedWrite, type Write } from './writes.ts';

export interface FunctionObserverOptions {
  readonly part: 'status' | 'lifecycle';
  readonly kube: Pick<KubeClient, 'call'>;
  readonly metrics: FunctionMetrics;
  readonly log: Log;
}

export interface FunctionObserver extends RunObserver {
  readonly recordEvents: RecordEvents;
  readonly requests: (app: App, asked: Asked) => Hono;
  readonly write: <O extends { readonly metadata: ObjectMeta }, S, R extends WriteResult>(
    observed: ObservedWrite<O, S, R>,
  ) => Write<O, S, R>;
}

export function createFunctionObserver({ part, kube, metrics, log }: FunctionObserverOptions): FunctionObserver {
  const recordEvents = createEventRecorder({
    part,
    kube,
    instance: hostname(),
    now: Date.now,
    log,
    count: metrics.countRecorded,
  });
  return {
    recordEvents,
    requests: (app, asked) => observeRequests(app, asked, { metrics, log, now: () => performance.now() }),
    ...createRunObserver({ metrics, log }),
    write: (observed) => observeWrite(observed, { metrics, recordEvents }),
  };
}

/** Around a function that takes events: what it is asked, runs and writes is traced, counted, timed, logged and told. */
import { hostname } from 'node:os';
import type { Hono } from 'hono';
import type { ObjectMeta } from '../../api/fields.ts';
import type { KubeClient } from '../kube/client.ts';
import { createTeller, type Tell } from '../kube/events.ts';
import type { Log } from '../log.ts';
import type { FunctionMetrics } from './function-metrics.ts';
import { observeRequests, type App, type Asked } from './requests.ts';
import { createRunObserver, type RunObserver } from './runs.ts';
import { observeWrite, type Applied, type ObservedWrite, type Write } from './writes.ts';

export interface FunctionObserverOptions {
  readonly part: 'status' | 'lifecycle';
  readonly kube: Pick<KubeClient, 'call'>;
  readonly metrics: FunctionMetrics;
  readonly log: Log;
}

export interface FunctionObserver extends RunObserver {
  readonly tell: Tell;
  readonly requests: (app: App, asked: Asked) => Hono;
  readonly write: <O extends { readonly metadata: ObjectMeta }, S, R extends Applied>(
    observed: ObservedWrite<O, S, R>,
  ) => Write<O, S, R>;
}

export function createFunctionObserver({ part, kube, metrics, log }: FunctionObserverOptions): FunctionObserver {
  const tell = createTeller({ part, kube, instance: hostname(), now: Date.now, log, count: metrics.countTold });
  return {
    tell,
    requests: (app, asked) => observeRequests(app, asked, { metrics, log, now: () => performance.now() }),
    ...createRunObserver({ metrics, log }),
    write: (observed) => observeWrite(observed, { metrics, tell }),
  };
}

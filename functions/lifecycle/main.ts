/** The lifecycle function over real ports. */
import type { Hono } from 'hono';
import {
  inClusterKube,
  KUBE_VARIABLES,
  readEventSenders,
  readListener,
  readMetricsListener,
  readSwitch,
  readVariables,
} from '../../adapters/environment.ts';
import { createClock } from '../../adapters/clock.ts';
import { createAccessReviewer } from '../../adapters/kube/access-review.ts';
import { createKubeClient, type KubeClientOptions } from '../../adapters/kube/client.ts';
import { createSenderCheck, type EventSenders } from '../../adapters/kube/event-senders.ts';
import { createPoolReferenceStore } from '../../adapters/kube/pool-references.ts';
import { createTokenReviewer, readClusterIssuer } from '../../adapters/kube/token-review.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import { createFunctionMetrics, type FunctionMetrics } from '../../adapters/observe/function-metrics.ts';
import { createFunctionObserver } from '../../adapters/observe/function.ts';
import { serveMetrics } from '../../adapters/observe/serve-metrics.ts';
import { onTermination, serveHttp } from '../../adapters/serve.ts';
import { FIELD_MANAGERS, KINDS, LIFECYCLE_EVENTS_PATH, TOKEN_AUDIENCE, VERBS } from '../../api/names.ts';
import type { Clock } from '../../core/events/throttle.ts';
import { tellOfWorker } from '../../core/kubernetes-events/worker.ts';
import { createLifecycleApp } from './app.ts';
import { createRecompute } from './recompute.ts';

export interface LifecycleConfig {
  readonly kube: KubeClientOptions;
  readonly senders: EventSenders;
  /** Whether the right to attach lets a worker in, as in admission. */
  readonly isAttachCounted: boolean;
  readonly now: () => Date;
  /** By which resyncs keep their distance. Who waits when it ends is told to come again, elsewhere. */
  readonly clock: Clock;
}

export interface WiredLifecycle {
  readonly app: Hono;
  readonly metrics: FunctionMetrics;
  readonly close: () => void;
}

export async function wireLifecycle(config: LifecycleConfig, log: Log): Promise<WiredLifecycle> {
  const { kube: options, senders, isAttachCounted, now, clock } = config;
  const metrics = createFunctionMetrics('lifecycle');
  const kube = await createKubeClient(options, {
    fieldManager: FIELD_MANAGERS.lifecycle,
    observe: metrics.observeCall,
  });
  const observe = createFunctionObserver({ part: 'lifecycle', kube, metrics, log });
  const issuer = await readClusterIssuer(options.accountFolder);
  const authenticate = createTokenReviewer(kube, { audience: TOKEN_AUDIENCE, issuer, now: Date.now });
  const store = createPoolReferenceStore(kube);
  const hasRight = createAccessReviewer(kube);
  const app = createLifecycleApp({
    recompute: observe.recompute(
      createRecompute({
        ...store,
        writeStatus: observe.write({ kind: KINDS.worker.kind, write: store.writeStatus, tellOf: tellOfWorker }),
        writeFinalizers: observe.write({ kind: KINDS.pool.kind, write: store.writeFinalizers, tellOf: () => [] }),
        mayAttach: isAttachCounted ? (user, pool) => hasRight(user, { verb: VERBS.attach, ...pool }) : undefined,
        now,
      }),
    ),
    observeResync: observe.resync,
    isCovered: observe.isCovered(() => false),
    listPools: store.listPools,
    authenticateSender: createSenderCheck(authenticate, senders),
    clock,
    log,
  });
  return { app: observe.requests(app, { [LIFECYCLE_EVENTS_PATH]: 'event' }), metrics, close: kube.close };
}

if (import.meta.main) {
  readVariables([...KUBE_VARIABLES, 'PORT', 'EVENT_SENDERS', 'COUNT_ATTACH']);
  const listener = readListener();
  const { clock, drain } = createClock();
  const config = {
    kube: inClusterKube(),
    senders: readEventSenders(),
    isAttachCounted: readSwitch('COUNT_ATTACH'),
    now: () => new Date(),
    clock,
  };
  const { app, metrics, close } = await wireLifecycle(config, createLog('lifecycle'));
  const server = await serveHttp({ app, ...listener });
  const shown = await serveMetrics(metrics, readMetricsListener());
  onTermination(async () => {
    drain();
    await Promise.all([server.close(), shown.close()]);
    close();
  });
}

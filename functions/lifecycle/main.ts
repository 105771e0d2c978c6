/** The lifecycle function over real ports. */
import { hash } from 'node:crypto';
import type { Hono } from 'hono';
import {
  inClusterKube,
  KUBE_VARIABLES,
  readEventSenders,
  readListener,
  readMaking,
  readMetricsListener,
  readSwitch,
  readVariables,
} from '../../adapters/environment.ts';
import { createClock } from '../../adapters/clock.ts';
import { readSchedule } from '../../adapters/cron.ts';
import { createAccessReviewer } from '../../adapters/kube/access-review.ts';
import { createKubeClient, type KubeClient, type KubeClientOptions } from '../../adapters/kube/client.ts';
import { createSenderCheck, type EventSenders } from '../../adapters/kube/event-senders.ts';
import type { RecordEvents } from '../../adapters/kube/event-recorder.ts';
import { createGatewayPodFinder } from '../../adapters/kube/gateway-pods.ts';
import { createLifecycleObjects } from '../../adapters/kube/lifecycle-objects.ts';
import { createNamespaceReader } from '../../adapters/kube/namespaces.ts';
import { createPoolCas } from '../../adapters/kube/pool-cas.ts';
import { listExposedPools } from '../../adapters/kube/pools.ts';
import { createPoolReferenceStore } from '../../adapters/kube/pool-references.ts';
import { createClusterTokenCheck } from '../../adapters/kube/cluster-keys.ts';
import { createWorkerReader } from '../../adapters/kube/pool-workers.ts';
import { createTokenReviewer } from '../../adapters/kube/token-review.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import { createFunctionMetrics, type FunctionMetrics } from '../../adapters/observe/function-metrics.ts';
import { createFunctionObserver } from '../../adapters/observe/function.ts';
import { serveOperations } from '../../adapters/observe/serve-operations.ts';
import { onTermination, serveHttp } from '../../adapters/serve.ts';
import { formatToml, parseToml } from '../../adapters/toml.ts';
import { readCsr } from '../../adapters/x509/csr.ts';
import { createLifecycleIssuer } from '../../adapters/x509/lifecycle-issuer.ts';
import {
  FIELD_MANAGERS,
  KINDS,
  LIFECYCLE_EVENTS_PATH,
  TOKEN_AUDIENCE,
  VERBS,
  WORKER_TOKEN_AUDIENCE,
} from '../../api/names.ts';
import type { Clock } from '../../core/events/throttle.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { makeHostnameEvent, makeObjectEvent, type NotMade } from '../../core/kubernetes-events/pool-object.ts';
import { makeWorkerEvents } from '../../core/kubernetes-events/worker.ts';
import type { KubeObject } from '../../core/lifecycle/objects.ts';
import type { LifecycleSettings } from '../../core/lifecycle/settings.ts';
import { createLifecycleApp } from './app.ts';
import { createPoolObjects } from './pool-objects.ts';
import { bringUpPods, tidyWorkerObjects } from './pods.ts';
import { createRecompute, type Making } from './recompute.ts';
import { createRefusedFinder } from './refused.ts';
import { createRoutesWriter } from './routes-writer.ts';
import { scale } from './scaling.ts';

/** What Pods and gateways are made of. */
export interface MakingConfig {
  readonly settings: LifecycleSettings;
  /** Folder with `tls.crt` and `tls.key` of the intermediate for servers, and `ca.crt`, the roots. */
  readonly caFolder: string;
}

export interface LifecycleConfig {
  readonly kube: KubeClientOptions;
  readonly senders: EventSenders;
  /** Whether the right to attach lets a worker in, as in admission. */
  readonly isAttachCounted: boolean;
  /** Undefined where references are judged and nothing is made: on a control plane without nodes. */
  readonly making?: MakingConfig | undefined;
  readonly now: () => Date;
  /** Throttles resyncs. When it ends, callers that wait get 503 and retry elsewhere. */
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
  const isClusterToken = createClusterTokenCheck(kube, { accountFolder: options.accountFolder, now: Date.now });
  const review = (audience: string) => createTokenReviewer(kube, { audience, isClusterToken, now: Date.now });
  const [authenticate, authenticateWorker] = [review(TOKEN_AUDIENCE), review(WORKER_TOKEN_AUDIENCE)];
  const store = createPoolReferenceStore(kube);
  const hasRight = createAccessReviewer(kube);
  const wired = config.making && wireMaking(config.making, { kube, now, recordEvents: observe.recordEvents });
  const app = createLifecycleApp({
    recompute: observe.recompute(
      createRecompute({
        ...store,
        writeStatus: observe.write({ kind: KINDS.worker.kind, write: store.writeStatus, makeEvents: makeWorkerEvents }),
        writeFinalizers: observe.write({ kind: KINDS.pool.kind, write: store.writeFinalizers, makeEvents: () => [] }),
        mayAttach: isAttachCounted ? (user, pool) => hasRight(user, { verb: VERBS.attach, ...pool }) : undefined,
        making: wired?.making,
        now,
      }),
    ),
    observeResync: observe.resync,
    isCovered: observe.isCovered(() => false),
    listPools: store.listPools,
    keys: wired && { ...wired.signing, ...wired.lookups, authenticate, authenticateWorker, log },
    authenticateSender: createSenderCheck(authenticate, senders),
    clock,
    log,
  });
  return { app: observe.requests(app, { [LIFECYCLE_EVENTS_PATH]: 'event' }), metrics, close: kube.close };
}

interface Wiring {
  readonly kube: KubeClient;
  readonly now: () => Date;
  readonly recordEvents: RecordEvents;
}

function wireMaking({ settings, caFolder }: MakingConfig, { kube, now, recordEvents }: Wiring) {
  const objects = createLifecycleObjects(kube);
  const cas = createPoolCas(kube);
  const { makePoolCa, ...issuer } = createLifecycleIssuer({ ...settings, caFolder, now: () => now().getTime() });
  const reportNotMade = (pool: Pool, object: KubeObject, reason: NotMade) =>
    recordEvents([makeObjectEvent(pool, object, reason)]);
  const sha256 = (text: string) => hash('sha256', text);
  const ports = {
    ...objects,
    settings,
    parseToml,
    formatToml,
    sha256,
    reportNotMade,
    readRoots: issuer.readRoots,
    now,
  };
  const writeRoutes = createRoutesWriter(ports);
  const findRefused = createRefusedFinder({
    getNamespaceLabels: createNamespaceReader(kube),
    reviewAccess: createAccessReviewer(kube),
    sha256,
    now,
  });
  const { clusterFqdn } = settings;
  const making: Making = {
    bringUpPods: (observed, reviews) => bringUpPods(ports, observed, reviews),
    keepPoolObjects: createPoolObjects(ports),
    scale: (observed) => scale({ ...ports, readSchedule, findRefused, writeRoutes, clusterFqdn }, observed),
    tidy: async (pool) => {
      await tidyWorkerObjects(ports, pool, []);
      await cas.remove(pool.metadata.uid);
    },
  };
  const signing = {
    ...issuer,
    settings,
    readCsr,
    ensurePoolCa: (poolUid: string) => cas.ensure(poolUid, () => makePoolCa(poolUid)),
  };
  const lookups = {
    findPoolOfGateway: createGatewayPodFinder(kube),
    getWorker: createWorkerReader(kube),
    listClaimants: () => listExposedPools(kube),
    reportHostnameConflict: (pool: Pool, hostname: string) => recordEvents([makeHostnameEvent(pool, hostname)]),
  };
  return { making, signing, lookups };
}

if (import.meta.main) {
  readVariables([...KUBE_VARIABLES, 'PORT', 'EVENT_SENDERS', 'COUNT_ATTACH', 'MAKE_PODS']);
  const listener = readListener();
  const { clock, drain } = createClock();
  const config = {
    kube: inClusterKube(),
    senders: readEventSenders(),
    isAttachCounted: readSwitch('COUNT_ATTACH'),
    making: readSwitch('MAKE_PODS') ? readMaking() : undefined,
    now: () => new Date(),
    clock,
  };
  const { app, metrics, close } = await wireLifecycle(config, createLog('lifecycle'));
  const server = await serveHttp({ app, ...listener });
  const operations = await serveOperations(metrics, readMetricsListener());
  onTermination(async () => {
    drain();
    await Promise.all([server.close(), operations.close()]);
    close();
  });
}

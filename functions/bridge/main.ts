/** List-watch to CloudEvents, where there is no Knative. */
import { randomUUID } from 'node:crypto';
import { newTraceparent } from '../../adapters/activity.ts';
import { createPause, type Pause } from '../../adapters/backoff.ts';
import { createEventSender } from '../../adapters/cloud-events.ts';
import {
  inClusterKube,
  KUBE_VARIABLES,
  readListener,
  readMetricsListener,
  readVariables,
} from '../../adapters/environment.ts';
import { createKubeClient, type KubeClientOptions } from '../../adapters/kube/client.ts';
import { ourCollectionPath } from '../../adapters/kube/paths.ts';
import { listAndWatch, type WatchedCollection } from '../../adapters/kube/watch.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import { createBridgeMetrics, type BridgeMetrics } from '../../adapters/observe/bridge-metrics.ts';
import { serveOperations } from '../../adapters/observe/serve-operations.ts';
import { serveHttp } from '../../adapters/serve.ts';
import { maxParallelDeliveries, maxParallelDeliveriesPerNamespace } from '../../api/limits/bridge.ts';
import { resyncPeriodMs } from '../../api/limits/status.ts';
import { FIELD_MANAGERS, STORAGE_API_VERSION, KINDS, LABELS, MANAGED_BY } from '../../api/names.ts';
import { makeEvent, makeResync, type CloudEvent, type WatchedKind } from '../../core/events/make.ts';
import { createProbeApp } from './app.ts';
import { createDeliver } from './deliver.ts';
import { createQueue, type Queue } from './queue.ts';

type Watched = WatchedKind & WatchedCollection;

/** A function, and what its work depends on. */
export interface Sink {
  /** Label of metrics. */
  readonly name: 'status' | 'lifecycle';
  readonly url: URL;
  readonly resources: readonly Watched[];
}

export interface BridgeConfig {
  readonly kube: KubeClientOptions;
  readonly sinks: readonly Sink[];
  /** File with a token of our audience. */
  readonly tokenFile: string;
  readonly metrics: BridgeMetrics;
}

const ours = ({ kind, plural }: (typeof KINDS)[keyof typeof KINDS]): Watched => ({
  apiVersion: STORAGE_API_VERSION,
  kind,
  plural,
  path: ourCollectionPath(plural),
});
const labelSelector = `${LABELS.managedBy}=${MANAGED_BY}`;
const pools = ours(KINDS.pool);
const workers = ours(KINDS.worker);
const deployments: Watched = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
  path: '/apis/apps/v1/deployments',
  labelSelector,
};

/** What the status of pools and OIDC configs is computed from. */
const statusResources: Sink['resources'] = [
  pools,
  workers,
  ours(KINDS.oidcConfig),
  deployments,
  { apiVersion: 'v1', kind: 'Service', plural: 'services', path: '/api/v1/services', labelSelector },
];

/** What references are judged by, and what is made. */
const lifecycleResources: Sink['resources'] = [
  pools,
  workers,
  deployments,
  { apiVersion: 'v1', kind: 'Pod', plural: 'pods', path: '/api/v1/pods', labelSelector },
  {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    plural: 'leases',
    path: '/apis/coordination.k8s.io/v1/leases',
    labelSelector,
  },
  { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', path: '/api/v1/namespaces' },
];

interface Running {
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Called with the number of watches that are not open, at each change. */
  readonly setClosedWatches: (count: number) => void;
}

/** Runs until the signal is aborted; the next run begins with a list, so what is undelivered then is not lost. */
export async function runBridge(config: BridgeConfig, { log, signal, setClosedWatches }: Running): Promise<void> {
  const { metrics } = config;
  const kube = await createKubeClient(config.kube, {
    fieldManager: FIELD_MANAGERS.bridge,
    observe: metrics.observeCall,
  });
  const pause = createPause({ signal, random: Math.random });
  const sinks = config.sinks.map((sink) => ({ ...sink, queue: openQueue(sink, config, { pause, log, signal }) }));
  const originate = () => ({ id: randomUUID(), source: config.kube.url });
  const closed = new Set(sinks.flatMap(({ resources }) => resources));
  setClosedWatches(closed.size);
  const resync = (): void => {
    const origin = { ...originate(), traceparent: newTraceparent() };
    for (const { queue } of sinks) queue.push({ group: '', id: 'resync' }, () => withTrace(makeResync(origin), origin));
  };
  let hasBegun = false;
  const watches = [...closed].map((resource) => {
    const takers = sinks.filter(({ resources }) => resources.includes(resource));
    return listAndWatch(kube, resource, {
      emit: (change) => {
        const origin = { ...originate(), traceparent: newTraceparent() };
        const { namespace, uid } = change.object.metadata;
        const make = () => withTrace(makeEvent(resource, change, origin), origin);
        for (const { queue } of takers) queue.push({ group: namespace ?? '', id: uid }, make);
      },
      setWatching: (isWatching) => {
        if (isWatching) closed.delete(resource);
        else closed.add(resource);
        setClosedWatches(closed.size);
        if (closed.size === 0 && !hasBegun) {
          // Objects that were deleted before the lists are in none of them: only a resync finds what they left behind.
          hasBegun = true;
          resync();
        }
        metrics.setWatching(resource.plural, isWatching);
      },
      pause,
      log,
      signal,
    });
  });
  const resyncs = setInterval(resync, resyncPeriodMs);
  log.info({ sinks: sinks.map(({ url }) => url.href) }, 'bridge started');
  await Promise.all(watches);
  clearInterval(resyncs);
  await Promise.all(sinks.map(({ queue }) => queue.waitUntilIdle()));
  kube.close();
}

/** A trace begins with each change, and goes on at each attempt to deliver it. */
const withTrace = ({ headers, body }: CloudEvent, { traceparent }: { readonly traceparent: string }): CloudEvent => ({
  headers: { ...headers, traceparent },
  body,
});

interface Delivering {
  readonly pause: Pause;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The same at each attempt. As long as a sink is away there may be one for every object: text would take the most of it. */
type MakeEvent = () => CloudEvent;

/** One for each sink: a function that is down holds no other back. */
function openQueue(
  { name, url }: Sink,
  { tokenFile, metrics }: BridgeConfig,
  { pause, log, signal }: Delivering,
): Queue<MakeEvent> {
  const send = metrics.observeSend(name, createEventSender({ sink: url, tokenFile, signal }));
  const deliver = createDeliver({ send, log, signal, sink: url.href });
  const queue = createQueue<MakeEvent>({
    concurrency: maxParallelDeliveries,
    concurrencyPerGroup: maxParallelDeliveriesPerNamespace,
    deliver: (make) => deliver(make()),
    pause,
    signal,
  });
  metrics.showUndelivered(name, queue.count);
  return queue;
}

if (import.meta.main) {
  const { STATUS_URL, LIFECYCLE_URL, TOKEN_FILE } = readVariables([
    ...KUBE_VARIABLES,
    'PORT',
    'STATUS_URL',
    'LIFECYCLE_URL',
    'TOKEN_FILE',
  ]);
  const ending = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      ending.abort();
    });
  }
  const sinks = [
    { name: 'status', url: new URL(STATUS_URL), resources: statusResources },
    { name: 'lifecycle', url: new URL(LIFECYCLE_URL), resources: lifecycleResources },
  ] as const;
  let closedWatches = Infinity;
  const app = createProbeApp({ isWatching: () => closedWatches === 0 });
  const metrics = createBridgeMetrics();
  const [server, operations] = await Promise.all([
    serveHttp({ app, ...readListener(), drainMs: 0 }),
    serveOperations({ ...metrics, probes: app }, readMetricsListener()),
  ]);
  await runBridge(
    { kube: inClusterKube(), sinks, tokenFile: TOKEN_FILE, metrics },
    { log: createLog('bridge'), signal: ending.signal, setClosedWatches: (count) => (closedWatches = count) },
  );
  await Promise.all([server.close(), operations.close()]);
}

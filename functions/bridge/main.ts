/** List-watch to CloudEvents, where there is no Knative. */
import { randomUUID } from 'node:crypto';
import { newTraceparent } from '../../adapters/activity.ts';
import { createPause, type Pause } from '../../adapters/backoff.ts';
import { createEventSender } from '../../adapters/cloud-events.ts';
import { inClusterKube, KUBE_VARIABLES, readMetricsListener, readVariables } from '../../adapters/environment.ts';
import { createKubeClient, type KubeClientOptions } from '../../adapters/kube/client.ts';
import { ourCollectionPath } from '../../adapters/kube/paths.ts';
import { listAndWatch, type WatchedCollection } from '../../adapters/kube/watch.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import { createBridgeMetrics, type BridgeMetrics } from '../../adapters/observe/bridge-metrics.ts';
import { serveMetrics } from '../../adapters/observe/serve-metrics.ts';
import { maxParallelDeliveries, maxParallelDeliveriesPerNamespace, resyncPeriodMs } from '../../api/limits.ts';
import { STORAGE_API_VERSION, KINDS, LABELS, MANAGED_BY } from '../../api/names.ts';
import { makeEvent, makeResync, type CloudEvent, type WatchedKind } from '../../core/events/make.ts';
import { createDeliver } from './deliver.ts';
import { createQueue, type Queue } from './queue.ts';

type Watched = WatchedKind & WatchedCollection;

/** A function, and what its work depends on. */
export interface Sink {
  /** In figures. */
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

/** What the status of pools and OIDC configs is computed from. */
const statusResources: Sink['resources'] = [
  pools,
  workers,
  ours(KINDS.oidcConfig),
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    plural: 'deployments',
    path: '/apis/apps/v1/deployments',
    labelSelector,
  },
  { apiVersion: 'v1', kind: 'Service', plural: 'services', path: '/api/v1/services', labelSelector },
];

/** What references are judged by. */
const lifecycleResources: Sink['resources'] = [
  pools,
  workers,
  { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', path: '/api/v1/namespaces' },
];

/** Runs until the signal is aborted; the next run begins with a list, so what is undelivered then is not lost. */
export async function runBridge(config: BridgeConfig, log: Log, signal: AbortSignal): Promise<void> {
  const { metrics } = config;
  const kube = metrics.observeWatches(await createKubeClient(config.kube, metrics.observeCall));
  const pause = createPause({ signal, random: Math.random });
  const sinks = config.sinks.map((sink) => ({ ...sink, queue: openQueue(sink, config, { pause, log, signal }) }));
  const originate = () => ({ id: randomUUID(), source: config.kube.url });
  const watches = [...new Set(sinks.flatMap(({ resources }) => resources))].map((resource) => {
    const takers = sinks.filter(({ resources }) => resources.includes(resource));
    return listAndWatch(kube, resource, {
      emit: (change) => {
        const event = startTrace(makeEvent(resource, change, originate()));
        const { namespace, uid } = change.object.metadata;
        for (const { queue } of takers) queue.push({ group: namespace ?? '', id: uid }, event);
      },
      pause,
      log,
      signal,
    });
  });
  const resyncs = setInterval(() => {
    for (const { queue } of sinks) queue.push({ group: '', id: 'resync' }, startTrace(makeResync(originate())));
  }, resyncPeriodMs);
  log.info({ sinks: sinks.map(({ url }) => url.href) }, 'bridge started');
  await Promise.all(watches);
  clearInterval(resyncs);
  await Promise.all(sinks.map(({ queue }) => queue.settle()));
  kube.close();
}

/** A trace begins with each change, and goes on at each attempt to deliver it. */
const startTrace = ({ headers, body }: CloudEvent): CloudEvent => ({
  headers: { ...headers, traceparent: newTraceparent() },
  body,
});

interface Delivering {
  readonly pause: Pause;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** One for each sink: a function that is down holds no other back. */
function openQueue(
  { name, url }: Sink,
  { tokenFile, metrics }: BridgeConfig,
  { pause, log, signal }: Delivering,
): Queue<CloudEvent> {
  const send = metrics.observeSend(name, createEventSender({ sink: url, tokenFile, signal }));
  const queue = createQueue<CloudEvent>({
    concurrency: maxParallelDeliveries,
    concurrencyPerGroup: maxParallelDeliveriesPerNamespace,
    deliver: createDeliver({ send, log, signal, sink: url.href }),
    pause,
    signal,
  });
  metrics.showUndelivered(name, queue.count);
  return queue;
}

if (import.meta.main) {
  const { STATUS_URL, LIFECYCLE_URL, TOKEN_FILE } = readVariables([
    ...KUBE_VARIABLES,
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
  const metrics = createBridgeMetrics();
  const shown = await serveMetrics(metrics, readMetricsListener());
  const config = { kube: inClusterKube(), sinks, tokenFile: TOKEN_FILE, metrics };
  await runBridge(config, createLog('bridge'), ending.signal);
  await shown.close();
}

/** List-watch to CloudEvents, where there is no Knative. */
import { randomUUID } from 'node:crypto';
import { createPause } from '../../adapters/backoff.ts';
import { createEventSender } from '../../adapters/cloud-events.ts';
import { inClusterKube, readVariables } from '../../adapters/environment.ts';
import { createKubeClient, type KubeClientOptions } from '../../adapters/kube/client.ts';
import { ourCollectionPath } from '../../adapters/kube/paths.ts';
import { listAndWatch, type WatchedCollection } from '../../adapters/kube/watch.ts';
import { createLog, type Log } from '../../adapters/log.ts';
import { maxParallelDeliveries, maxParallelDeliveriesPerNamespace } from '../../api/limits.ts';
import { API_VERSION, KINDS, LABELS, MANAGED_BY } from '../../api/names.ts';
import { makeEvent, type CloudEvent, type WatchedKind } from '../../core/events/make.ts';
import { createDeliver } from './deliver.ts';
import { createQueue } from './queue.ts';

export interface BridgeConfig {
  readonly kube: KubeClientOptions;
  readonly sink: URL;
  /** File with a token of our audience. */
  readonly tokenFile: string;
  readonly resources: readonly (WatchedKind & WatchedCollection)[];
}

const ours = ({ kind, plural }: (typeof KINDS)[keyof typeof KINDS]) => ({
  apiVersion: API_VERSION,
  kind,
  plural,
  path: ourCollectionPath(plural),
});
const labelSelector = `${LABELS.managedBy}=${MANAGED_BY}`;

/** What the status of a pool is computed from. */
export const statusResources: BridgeConfig['resources'] = [
  ours(KINDS.pool),
  ours(KINDS.worker),
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    plural: 'deployments',
    path: '/apis/apps/v1/deployments',
    labelSelector,
  },
  { apiVersion: 'v1', kind: 'Service', plural: 'services', path: '/api/v1/services', labelSelector },
];

/** Runs until the signal is aborted; the next run begins with a list, so what is undelivered then is not lost. */
export async function runBridge(config: BridgeConfig, log: Log, signal: AbortSignal): Promise<void> {
  const kube = await createKubeClient(config.kube);
  const pause = createPause({ signal, random: Math.random });
  const send = createEventSender({ ...config, signal });
  const queue = createQueue<CloudEvent>({
    concurrency: maxParallelDeliveries,
    concurrencyPerGroup: maxParallelDeliveriesPerNamespace,
    deliver: createDeliver({ send, log, signal }),
    pause,
    signal,
  });
  const watches = config.resources.map((resource) =>
    listAndWatch(kube, resource, {
      emit: (change) => {
        const event = makeEvent(resource, change, { id: randomUUID(), source: config.kube.url });
        const { namespace, uid } = change.object.metadata;
        queue.push({ group: namespace, id: uid }, event);
      },
      pause,
      log,
      signal,
    }),
  );
  log.info({ sink: config.sink.href }, 'bridge started');
  await Promise.all(watches);
  await queue.settle();
  kube.close();
}

if (import.meta.main) {
  const { SINK_URL, TOKEN_FILE } = readVariables(['SINK_URL', 'TOKEN_FILE']);
  const ending = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      ending.abort();
    });
  }
  const config = { kube: inClusterKube(), sink: new URL(SINK_URL), tokenFile: TOKEN_FILE, resources: statusResources };
  await runBridge(config, createLog('bridge'), ending.signal);
}

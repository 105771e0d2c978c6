/** The webhooks as one process, on its own TLS. */
import { Hono } from 'hono';
import { isSchedule } from '../adapters/cron.ts';
import {
  inClusterKube,
  KUBE_VARIABLES,
  readListener,
  readMetricsListener,
  readSwitch,
  readVariables,
} from '../adapters/environment.ts';
import { limitCalls } from '../adapters/kube/budget.ts';
import { createKubeClient, type KubeClientOptions } from '../adapters/kube/client.ts';
import { createNamespaceLister } from '../adapters/kube/namespaces.ts';
import { createOidcConfigLister } from '../adapters/kube/oidc-configs.ts';
import { createReachability } from '../adapters/kube/reachability.ts';
import { createReferrerReader } from '../adapters/kube/referrers.ts';
import { readClusterIssuer } from '../adapters/kube/cluster-keys.ts';
import { createLog, type Log } from '../adapters/log.ts';
import { serveOperations } from '../adapters/observe/serve-operations.ts';
import { createWebhookMetrics, type WebhookMetrics } from '../adapters/observe/webhook-metrics.ts';
import { onTermination, serveHttps } from '../adapters/serve.ts';
import { createSharedLookups } from '../adapters/shared-lookups.ts';
import { openTlsFolder, type TlsFolder } from '../adapters/tls-folder.ts';
import { parseToml } from '../adapters/toml.ts';
import { reviewCallsMs, webhookKeepAliveMs } from '../api/limits/webhooks.ts';
import { FIELD_MANAGERS } from '../api/names.ts';
import type { ValidationPorts } from '../core/admission/decide.ts';
import { checkReady } from '../core/readiness.ts';
import { createAdmissionApp } from './admission/app.ts';
import { createConversionApp } from './conversion/app.ts';
import { createOperationsApp } from './operations/app.ts';

export interface WebhooksConfig {
  readonly kube: KubeClientOptions;
  readonly tls: Pick<TlsFolder, 'validity'>;
  /** See `ReferencePorts`. */
  readonly isAttachCounted: boolean;
  readonly metrics: WebhookMetrics;
}

interface Webhooks {
  readonly app: Hono;
  /** The part of it that answers the kubelet. */
  readonly probes: Hono;
  readonly close: () => void;
}

export async function wireWebhooks(
  { kube, tls, isAttachCounted, metrics }: WebhooksConfig,
  log: Log,
): Promise<Webhooks> {
  const clusterIssuer = await readClusterIssuer(kube.accountFolder);
  const { startReview } = metrics;
  const client = await createKubeClient(kube, {
    fieldManager: FIELD_MANAGERS.webhooks,
    observe: metrics.observeCall,
  });
  metrics.showServingCertificate(() => tls.validity().notAfter);
  const isReachable = createReachability(client, Date.now);
  const probes = createOperationsApp({
    checkReady: async () => checkReady({ ...tls.validity(), isReachable: await isReachable(), now: Date.now() }),
  });
  const openLookups = createSharedLookups(client);
  const openPorts = (): ValidationPorts => {
    const kube = limitCalls(client, reviewCallsMs);
    return {
      ...openLookups(reviewCallsMs),
      isAttachCounted,
      listReferrers: createReferrerReader(kube),
      listNamespaceLabels: createNamespaceLister(kube),
      listOidcConfigs: createOidcConfigLister(kube),
      clusterIssuer,
      isSchedule,
      parseToml,
    };
  };
  const admission = createAdmissionApp({ openPorts, startReview, log });
  const app = new Hono();
  for (const part of [probes, createConversionApp({ startReview, log }), admission]) app.route('/', part);
  return { app, probes, close: client.close };
}

if (import.meta.main) {
  const { TLS_FOLDER } = readVariables([...KUBE_VARIABLES, 'PORT', 'TLS_FOLDER', 'COUNT_ATTACH']);
  const log = createLog('webhooks');
  const tls = await openTlsFolder(TLS_FOLDER, log);
  const metrics = createWebhookMetrics();
  const config = { kube: inClusterKube(), tls, isAttachCounted: readSwitch('COUNT_ATTACH'), metrics };
  const { app, probes, close } = await wireWebhooks(config, log);
  const server = await serveHttps({ app, ...readListener(), keepAliveMs: webhookKeepAliveMs, tls });
  const operations = await serveOperations({ ...metrics, probes }, readMetricsListener());
  log.info({ port: server.port }, 'webhooks listen');
  onTermination(async () => {
    await Promise.all([server.close(), operations.close()]);
    close();
  });
}

/** The webhooks as one process, on its own TLS. */
import { Hono } from 'hono';
import { inClusterKube, KUBE_VARIABLES, readListener, readSwitch, readVariables } from '../adapters/environment.ts';
import { createAccessReviewer } from '../adapters/kube/access-review.ts';
import { createKubeClient, type KubeClientOptions } from '../adapters/kube/client.ts';
import { createNamespaceLister, createNamespaceReader } from '../adapters/kube/namespaces.ts';
import { createOidcConfigLister } from '../adapters/kube/oidc-configs.ts';
import { createPoolReader } from '../adapters/kube/pools.ts';
import { createReferrerReader } from '../adapters/kube/referrers.ts';
import { readClusterIssuer } from '../adapters/kube/token-review.ts';
import { createLog, type Log } from '../adapters/log.ts';
import { onTermination, serveHttps } from '../adapters/serve.ts';
import { createAdmissionApp } from './admission/app.ts';
import { createConversionApp } from './conversion/app.ts';

export interface WebhooksConfig {
  readonly kube: KubeClientOptions;
  /** See `ReferencePorts`. */
  readonly isAttachCounted: boolean;
}

interface Webhooks {
  readonly app: Hono;
  readonly close: () => void;
}

export async function wireWebhooks({ kube, isAttachCounted }: WebhooksConfig, log: Log): Promise<Webhooks> {
  const clusterIssuer = await readClusterIssuer(kube.accountFolder);
  const client = await createKubeClient(kube);
  const admission = createAdmissionApp({
    getPool: createPoolReader(client),
    getNamespaceLabels: createNamespaceReader(client),
    reviewAccess: createAccessReviewer(client),
    isAttachCounted,
    listReferrers: createReferrerReader(client),
    listNamespaceLabels: createNamespaceLister(client),
    listOidcConfigs: createOidcConfigLister(client),
    clusterIssuer,
    log,
  });
  // Conversion takes larger bodies, so it is asked before the limit of admission.
  const app = new Hono();
  app.route('/', createConversionApp({ log }));
  app.route('/', admission);
  return { app, close: client.close };
}

if (import.meta.main) {
  const { TLS_FOLDER } = readVariables([...KUBE_VARIABLES, 'PORT', 'TLS_FOLDER', 'COUNT_ATTACH']);
  const log = createLog('webhooks');
  const { app, close } = await wireWebhooks(
    { kube: inClusterKube(), isAttachCounted: readSwitch('COUNT_ATTACH') },
    log,
  );
  const server = await serveHttps({ app, ...readListener(), tlsFolder: TLS_FOLDER, log });
  log.info({ port: server.port }, 'webhooks listen');
  onTermination(async () => {
    await server.close();
    close();
  });
}

/** The webhooks as one process, on its own TLS. */
import type { Hono } from 'hono';
import { inClusterKube, readListener, readVariables } from '../adapters/environment.ts';
import { createAccessReviewer } from '../adapters/kube/access-review.ts';
import { createKubeClient, orUndefined, type KubeClientOptions } from '../adapters/kube/client.ts';
import { ourObjectPath } from '../adapters/kube/paths.ts';
import { createLog, type Log } from '../adapters/log.ts';
import { onTermination, serveHttps } from '../adapters/serve.ts';
import { KINDS } from '../api/names.ts';
import { createAdmissionApp } from './admission/app.ts';

interface Webhooks {
  readonly app: Hono;
  readonly close: () => void;
}

export async function wireWebhooks({ kube }: { readonly kube: KubeClientOptions }, log: Log): Promise<Webhooks> {
  const client = await createKubeClient(kube);
  const app = createAdmissionApp({
    reviewAccess: createAccessReviewer(client),
    hasPool: async (pool) =>
      (await orUndefined(client.call({ path: ourObjectPath(KINDS.pool.plural, pool) }))) !== undefined,
    log,
  });
  return { app, close: client.close };
}

if (import.meta.main) {
  const { TLS_FOLDER } = readVariables(['TLS_FOLDER']);
  const log = createLog('webhooks');
  const { app, close } = await wireWebhooks({ kube: inClusterKube() }, log);
  const server = await serveHttps({ app, ...readListener(), tlsFolder: TLS_FOLDER, log });
  log.info({ port: server.port }, 'webhooks listen');
  onTermination(async () => {
    await server.close();
    close();
  });
}

/** All functions in one process on one loopback port, each with its own account's client. */
import { join } from 'node:path';
import { Hono } from 'hono';
import { createClock } from '../adapters/clock.ts';
import { readMaking, readSwitch, readVariables } from '../adapters/environment.ts';
import { createLog } from '../adapters/log.ts';
import { onTermination, serveHttp } from '../adapters/serve.ts';
import { CA_SECRETS, METRICS_PATH } from '../api/names.ts';
import { wireApi } from '../functions/api/main.ts';
import { wireLifecycle } from '../functions/lifecycle/main.ts';
import { wireStatus } from '../functions/status/main.ts';
import { bridgeUser } from './parts.ts';

const { KUBERNETES_URL, MOUNTS, PORT, CLUSTER_FQDN } = readVariables([
  'KUBERNETES_URL',
  'MOUNTS',
  'PORT',
  'CLUSTER_FQDN',
]);
const kube = (account: string) => ({ url: KUBERNETES_URL, accountFolder: join(MOUNTS, account) });

/** Issuers of a developer run on this machine. */
const privateIssuers = { isAllowed: true, caFile: join(MOUNTS, 'private-issuers/ca.crt') };

const api = await wireApi(
  {
    kube: kube('buildkit-controller'),
    clusterFqdn: CLUSTER_FQDN,
    caFolder: join(MOUNTS, CA_SECRETS.clients),
    privateIssuers,
  },
  createLog('api'),
);
const senders = { by: 'token', users: new Set([bridgeUser]) } as const;
const { clock, drain } = createClock();
const status = await wireStatus({ kube: kube('buildkit-status'), senders, privateIssuers, clock }, createLog('status'));
const lifecycle = await wireLifecycle(
  {
    kube: kube('buildkit-lifecycle'),
    senders,
    isAttachCounted: true,
    making: readSwitch('MAKE_PODS') ? readMaking() : undefined,
    now: () => new Date(),
    clock,
  },
  createLog('lifecycle'),
);

const app = new Hono();
app.all('/status/*', (context) => status.app.fetch(context.req.raw));
app.all('/lifecycle/*', (context) => lifecycle.app.fetch(context.req.raw));
for (const { metrics, name } of [
  { name: 'api', ...api },
  { name: 'status', ...status },
  { name: 'lifecycle', ...lifecycle },
]) {
  app.get(`${METRICS_PATH}/${name}`, async (context) => context.text((await metrics.readMetrics()).text));
}
app.all('*', (context) => api.app.fetch(context.req.raw));

const server = await serveHttp({ app, port: Number(PORT), hostname: '127.0.0.1' });
onTermination(async () => {
  drain();
  await server.close();
  lifecycle.close();
  status.close();
  api.close();
});

/** Calls with what a kubeconfig says, to a server that sees who calls and through what. */
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { createClient } from '../../../adapters/kube/client.ts';
import { readKubeconfig } from '../../../adapters/kube/kubeconfig.ts';
import { makeRoot, makeWebhookLeaf } from '../../../adapters/x509/authorities.ts';
import { makeWebhookRootProfile } from '../../../core/certificates/profile.ts';

const nowSeconds = Math.floor(Date.now() / 1000);
const root = makeRoot(makeWebhookRootProfile, nowSeconds);
const leaf = makeWebhookLeaf(root, ['127.0.0.1'], nowSeconds);

let folder: string;
let apiserver: Server;
let proxy: HttpServer;
const tunnels: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubeconfig-login-'));
  const tls = { cert: leaf.certificate, key: leaf.key, requestCert: true, rejectUnauthorized: false };
  apiserver = createServer(tls, ({ headers, socket }, response) => {
    if (!(socket instanceof TLSSocket)) throw new Error('expected a connection with TLS');
    const { subject } = socket.getPeerCertificate();
    const { authorization, 'impersonate-user': as } = headers;
    response.end(JSON.stringify({ authorization, as, hasCertificate: (subject as object | undefined) !== undefined }));
  }).listen(0, '127.0.0.1');
  proxy = createHttpServer().listen(0, '127.0.0.1');
  proxy.on('connect', ({ url = '' }, client: Socket) => {
    tunnels.push(url);
    const [host = '', port = ''] = url.split(':');
    const target = connect(Number(port), host, () => client.write('HTTP/1.1 200 Connection Established\r\n\r\n'));
    target.pipe(client).pipe(target);
    for (const socket of [target, client]) socket.on('error', () => socket.destroy());
  });
  await Promise.all([once(apiserver, 'listening'), once(proxy, 'listening')]);
});
afterAll(async () => {
  apiserver.closeAllConnections();
  apiserver.close();
  proxy.closeAllConnections();
  proxy.close();
  await rm(folder, { recursive: true });
});

const portOf = (server: { address: () => unknown }): number => (server.address() as AddressInfo).port;

async function ask(user: object, cluster: object = {}): Promise<unknown> {
  const file = join(folder, 'config');
  const server = `https://127.0.0.1:${portOf(apiserver)}`;
  const ca = Buffer.from(root.certificate).toString('base64');
  const config = {
    'current-context': 'dev',
    clusters: [{ name: 'dev', cluster: { server, 'certificate-authority-data': ca, ...cluster } }],
    users: [{ name: 'me', user }],
    contexts: [{ name: 'dev', context: { cluster: 'dev', user: 'me' } }],
  };
  await writeFile(file, stringify(config));
  const access = await readKubeconfig({ file }, {});
  if (!access.ok) throw new Error(access.error);
  const kube = createClient(access.value.url, access.value.login, {});
  try {
    return await kube.call({ path: '/version' });
  } finally {
    kube.close();
  }
}

async function writePlugin(script: string): Promise<string> {
  const file = join(folder, 'plugin');
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

const exec = { apiVersion: 'client.authentication.k8s.io/v1', interactiveMode: 'IfAvailable' };

it('logs in with the token of an exec plugin, beside the kubeconfig, which learns of the cluster', async () => {
  const script = `test -n "$KUBERNETES_EXEC_INFO" || exit 9
printf '{"status":{"token":"%s-%s"}}' "$1" "$(printf %s "$KUBERNETES_EXEC_INFO" | grep -c 127.0.0.1)"`;
  await writePlugin(script);
  const user = { exec: { ...exec, command: './plugin', args: ['from-plugin'], provideClusterInfo: true } };
  expect(await ask(user)).toEqual({ authorization: 'Bearer from-plugin-1', hasCertificate: false });
});

it('logs in with the client certificate of an exec plugin', async () => {
  const status = { clientCertificateData: leaf.certificate, clientKeyData: leaf.key };
  await writeFile(join(folder, 'credential'), JSON.stringify({ status }));
  const command = await writePlugin(`cat ${join(folder, 'credential')}`);
  expect(await ask({ exec: { ...exec, command } })).toEqual({ hasCertificate: true });
});

it('says that an exec plugin failed, and what it said', async () => {
  const command = await writePlugin('echo "no session: log in first" >&2; exit 3');
  await expect(ask({ exec: { ...exec, command } })).rejects.toThrow('login failed: no session: log in first');
});

it('logs in with a client certificate, and acts for another where the kubeconfig says so', async () => {
  const pem = (text: string) => Buffer.from(text).toString('base64');
  const user = { 'client-certificate-data': pem(leaf.certificate), 'client-key-data': pem(leaf.key), as: 'somebody' };
  expect(await ask(user)).toEqual({ as: 'somebody', hasCertificate: true });
});

it('goes through the proxy that the kubeconfig names', async () => {
  const cluster = { 'proxy-url': `http://127.0.0.1:${portOf(proxy)}` };
  expect(await ask({ token: 't' }, cluster)).toEqual({ authorization: 'Bearer t', hasCertificate: false });
  expect(tunnels).toEqual([`127.0.0.1:${portOf(apiserver)}`]);
});

it('logs in with the id token of an OIDC provider', async () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = `${part({ alg: 'none' })}.${part({ exp: nowSeconds + 3600 })}.x`;
  const user = { 'auth-provider': { name: 'oidc', config: { 'id-token': token } } };
  expect(await ask(user)).toEqual({ authorization: `Bearer ${token}`, hasCertificate: false });
});

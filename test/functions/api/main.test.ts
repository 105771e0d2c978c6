/** The function as it is started in a Pod. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeRoot, makeWebhookLeaf } from '../../../adapters/x509/authorities.ts';
import { makeRootProfile } from '../../../core/certificates/profile.ts';
import { findFreePort } from '../../../dev/child.ts';

const nowSeconds = Math.floor(Date.now() / 1000);
const root = makeRoot(makeRootProfile, nowSeconds);
let folder: string;
let child: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'api-'));
  const leaf = makeWebhookLeaf(root, ['localhost', '127.0.0.1'], nowSeconds);
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const token = `${encode({ alg: 'RS256' })}.${encode({ iss: 'https://kubernetes.default.svc' })}.AAAA`;
  const files = { token, 'ca.crt': root.certificate, 'tls.crt': leaf.certificate, 'tls.key': leaf.key };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

async function start(environment: Readonly<Record<string, string>>): Promise<number> {
  const port = await findFreePort();
  const env = {
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: '1',
    ACCOUNT_FOLDER: folder,
    CA_FOLDER: folder,
    CLUSTER_FQDN: 'dev.buildkit.internal',
    PRIVATE_ISSUERS: 'off',
    PORT: String(port),
    ...environment,
  };
  child = spawn(process.execPath, [join(import.meta.dirname, '../../../functions/api/main.ts')], { env });
  return port;
}

async function ask(port: number): Promise<string> {
  const [answer] = (await once(
    get({ port, host: '127.0.0.1', path: '/healthz', ca: root.certificate }),
    'response',
  )) as [import('node:http').IncomingMessage];
  return await text(answer);
}

it('serves TLS from its folder, on every address', async () => {
  const port = await start({ TLS_FOLDER: folder });
  for (;;) {
    try {
      expect(await ask(port)).toBe('OK');
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED' || child?.exitCode !== null) throw error;
      await sleep(20);
    }
  }
});

it('does not start on a network without a word about how it is spoken to', async () => {
  await start({ HOST: '0.0.0.0' });
  const said = child?.stderr === null || child === undefined ? '' : await text(child.stderr);
  expect(said).toContain('expected TLS_FOLDER, a loopback HOST, or PLAIN_HTTP=true behind a proxy in the same Pod');
});

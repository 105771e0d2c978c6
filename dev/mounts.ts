/** What a kubelet would mount into the Pods of our parts, as folders on this machine. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SYSTEM_NAMESPACE, TOKEN_AUDIENCE, TRUST_BUNDLE } from '../api/names.ts';
import { expectSuccess, type Kubectl } from './kubectl.ts';

/** Longer than anybody leaves a development control plane running: nothing here renews a token. */
const tokenDuration = '720h';

export interface Mounts {
  readonly folder: string;
  readonly kubectl: Kubectl;
}

async function writeMount(folder: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(files)) await replace(join(folder, name), Buffer.from(content));
}

/** Who reads meanwhile finds the old content or the new one. */
async function replace(file: string, content: Buffer): Promise<void> {
  const found = await readFile(file).catch(() => undefined);
  if (found?.equals(content) === true) return;
  await writeFile(`${file}.new`, content, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** `<folder>/<account>/{token,ca.crt}`: a ServiceAccount as a Pod sees it. */
export async function mountAccount({ folder, kubectl }: Mounts, account: string, caFile: string): Promise<void> {
  await writeMount(join(folder, account), {
    token: await createToken(kubectl, account),
    'ca.crt': await readFile(caFile),
  });
}

/** `<folder>/<account>-token`: a token for our own audience, by which one part proves itself to another. */
export async function mountAudienceToken({ folder, kubectl }: Mounts, account: string): Promise<void> {
  await writeMount(join(folder, account), { 'audience-token': await createToken(kubectl, account, TOKEN_AUDIENCE) });
}

const createToken = (kubectl: Kubectl, account: string, audience?: string): Promise<string> =>
  expectSuccess(kubectl, [
    'create',
    'token',
    account,
    `--namespace=${SYSTEM_NAMESPACE}`,
    `--duration=${tokenDuration}`,
    ...(audience === undefined ? [] : [`--audience=${audience}`]),
  ]);

/** `<folder>/<secret>/<key>`: a Secret of our namespace as a Pod sees it. */
export async function mountSecret({ folder, kubectl }: Mounts, secret: string): Promise<void> {
  await writeMount(join(folder, secret), await readSecret(kubectl, secret));
}

/** `<folder>/<secret>/{tls.crt,tls.key,ca.crt}`: a CA and the trust bundle in one volume. */
export async function mountCa({ folder, kubectl }: Mounts, secret: string): Promise<void> {
  const { data } = await readData(kubectl, 'configmap', TRUST_BUNDLE.configMap);
  const roots = data[TRUST_BUNDLE.roots] ?? '';
  await writeMount(join(folder, secret), { ...(await readSecret(kubectl, secret)), [TRUST_BUNDLE.roots]: roots });
}

async function readSecret(kubectl: Kubectl, name: string): Promise<Record<string, Buffer>> {
  const { data } = await readData(kubectl, 'secret', name);
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}

async function readData(kubectl: Kubectl, kind: string, name: string): Promise<{ data: Record<string, string> }> {
  const args = ['get', kind, name, `--namespace=${SYSTEM_NAMESPACE}`, '-o', 'json'];
  return JSON.parse(await expectSuccess(kubectl, args)) as { data: Record<string, string> };
}

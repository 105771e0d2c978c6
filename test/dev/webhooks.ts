/** A system of its own for tests that end, replace and torment its webhooks. */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKubeClient, KubeError, type KubeClient } from '../../adapters/kube/client.ts';
import { GROUP, KINDS, STORAGE_VERSION, WEBHOOKS, type Version } from '../../api/names.ts';
import { connectAsAdministrator } from '../../bench/stack.ts';
import { findFreePort } from '../../dev/child.ts';
import { expectSuccess } from '../../dev/kubectl.ts';
import { bringUp, renewKeys, type Stack, type StackOptions } from '../../dev/stack.ts';
import { createWatchdog } from '../../dev/watchdog.ts';

/** Long runs, for a machine that has the time. */
export const isSoak = process.env['SOAK'] === '1';

export interface TestSystem {
  readonly stack: Stack;
  readonly run: (...args: readonly string[]) => Promise<string>;
  readonly administrator: KubeClient;
  /** May do everything with pools and workers of the namespace `tenant`, and nothing elsewhere. */
  readonly tenant: KubeClient;
  readonly end: () => Promise<void>;
}

export async function bringUpSystem(options: Pick<StackOptions, 'manifests'> = {}): Promise<TestSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'operations-'));
  const watchdog = createWatchdog();
  const port = await findFreePort();
  const stack = await bringUp({ folder: join(folder, 'stack'), port, watch: watchdog.watch, ...options });
  const run = (...args: readonly string[]) => expectSuccess(stack.kubectl, args);
  await run('create', 'namespace', 'tenant');
  await run('create', 'serviceaccount', 'developer', '-n', 'tenant');
  const subject = ['--clusterrole=buildkit-pool-owner', '--serviceaccount=tenant:developer'];
  await run('create', 'rolebinding', 'developers', '-n', 'tenant', ...subject);
  const administrator = await connectAsAdministrator(stack, join(folder, 'administrator'));
  const accountFolder = join(folder, 'tenant');
  await mkdir(accountFolder);
  await writeFile(join(accountFolder, 'token'), await run('create', 'token', 'developer', '-n', 'tenant'));
  await copyFile(stack.controlPlane.caFile, join(accountFolder, 'ca.crt'));
  const tenant = await createKubeClient({ url: stack.controlPlane.url, accountFolder });
  const end = async () => {
    administrator.close();
    tenant.close();
    await stack.stop();
    watchdog.release();
    await rm(folder, { recursive: true, force: true });
  };
  return { stack, run, administrator, tenant, end };
}

export interface PoolReference {
  readonly name: string;
  readonly namespace: string;
}

/** Creates a worker in the namespace `tenant`; the reason of the refusal, or `Created`. */
export async function createWorker(
  kube: KubeClient,
  name: string,
  poolRef: PoolReference,
  version: Version = STORAGE_VERSION,
): Promise<string> {
  const apiVersion = `${GROUP}/${version}`;
  const body = { apiVersion, kind: KINDS.worker.kind, metadata: { name }, spec: { poolRef } };
  const path = `/apis/${apiVersion}/namespaces/tenant/${KINDS.worker.plural}`;
  try {
    await kube.call({ method: 'POST', path, body });
    return 'Created';
  } catch (error) {
    if (error instanceof KubeError) return `${error.reason}: ${error.message}`;
    throw error;
  }
}

/** A run of the authority at that moment (milliseconds since the epoch), and the kubelet's work after it. */
export const runAuthorityAt = ({ stack }: Pick<TestSystem, 'stack'>, time: number): Promise<void> =>
  renewKeys({ folder: stack.mounts, kubectl: stack.kubectl }, { kubeUrl: stack.controlPlane.url, now: () => time });

/** The CA bundle of the validating webhook and the certificate that is to be served, both PEM. */
export async function readTrust({ stack, run }: TestSystem): Promise<{ bundle: string; certificate: string }> {
  const query = '-o=jsonpath={.webhooks[0].clientConfig.caBundle}';
  const encoded = await run('get', 'validatingwebhookconfiguration', 'buildkit-controller', query);
  const certificate = await readFile(join(stack.mounts, WEBHOOKS.tlsSecret, 'tls.crt'), 'utf8');
  return { bundle: Buffer.from(encoded, 'base64').toString(), certificate };
}

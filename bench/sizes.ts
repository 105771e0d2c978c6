/**
 * `npm run sizes`: memory and processor of every part that exists, with nothing to do and while it works, as the table of
 * docs/sizes.md. Linux.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../adapters/kube/client.ts';
import { CERTIFICATES_PATH } from '../api/http/certificates.ts';
import { KINDS, STORAGE_API_VERSION, SYSTEM_NAMESPACE, TOKEN_AUDIENCE } from '../api/names.ts';
import { bundle } from '../dev/build.ts';
import { findFreePort, type Child } from '../dev/child.ts';
import { expectSuccess } from '../dev/kubectl.ts';
import { apiPart, authorityPart, bridgePart, bridgeUser, lifecyclePart, statusPart } from '../dev/parts.ts';
import { bringUp, type Stack } from '../dev/stack.ts';
import { createWatchdog } from '../dev/watchdog.ts';
import { connectAsAdministrator } from './stack.ts';

const windowSeconds = 10;
/** Together what a busy cluster of some hundred jobs an hour never asks for. */
const workersPerSecond = 10;
const certificatesPerSecond = 20;
/** A machine that is busy with other things is measured, too. */
const timeoutMs = 60_000;

interface Usage {
  readonly mebibytes: number;
  /** Thousandths of a core. */
  readonly millicores: number;
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sizes-'));
  const watchdog = createWatchdog();
  const ports = { api: await findFreePort(), status: await findFreePort(), lifecycle: await findFreePort() };
  await bundle(join(folder, 'dist'));
  const stack = await bringUp({
    folder: join(folder, 'stack'),
    port: ports.status,
    watch: watchdog.watch,
    bundles: join(folder, 'dist'),
    parts: (settings) => [
      apiPart({ ...settings, port: ports.api }),
      statusPart({ ...settings, port: ports.status }, [bridgeUser]),
      lifecyclePart({ ...settings, port: ports.lifecycle }, [bridgeUser]),
      bridgePart(settings, ports.lifecycle),
    ],
  });
  try {
    const administrator = await connectAsAdministrator(stack, join(folder, 'administrator'));
    const isOurs = ({ name }: Child) => !stack.controlPlane.children.some((child) => child.name === name);
    const parts = stack.children.filter(isOurs);
    const token = await letIn(stack);
    await work({ administrator, url: `http://127.0.0.1:${ports.api}`, token }, 5);
    await sleep(windowSeconds * 1000);
    const idle = await measure(parts, () => sleep(windowSeconds * 1000));
    const busy = await measure(parts, () =>
      work({ administrator, url: `http://127.0.0.1:${ports.api}`, token }, windowSeconds),
    );
    const settings = { mounts: stack.mounts, kubeUrl: stack.controlPlane.url, port: ports.api };
    const authority = await measureRun(await stack.launch(authorityPart(settings)));
    console.log(makeTable({ parts, idle, busy, authority }));
    administrator.close();
  } finally {
    await stack.stop();
    watchdog.release();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes a pool and somebody who may build on it; their token. */
async function letIn({ kubectl }: Stack): Promise<string> {
  const pool = {
    apiVersion: STORAGE_API_VERSION,
    kind: KINDS.pool.kind,
    metadata: { name: 'busy', namespace: SYSTEM_NAMESPACE },
  };
  await expectSuccess(kubectl, ['apply', '-f', '-'], JSON.stringify({ ...pool, spec: {} }));
  const here = ['-n', SYSTEM_NAMESPACE];
  await expectSuccess(kubectl, ['create', 'serviceaccount', 'busy', ...here]);
  const subject = ['--clusterrole=buildkit-pool-user', `--serviceaccount=${SYSTEM_NAMESPACE}:busy`];
  await expectSuccess(kubectl, ['create', 'rolebinding', 'busy', ...here, ...subject]);
  return (await expectSuccess(kubectl, ['create', 'token', 'busy', ...here, `--audience=${TOKEN_AUDIENCE}`])).trim();
}

interface Load {
  readonly administrator: KubeClient;
  readonly url: string;
  readonly token: string;
}

/** Workers come and go, and certificates are asked for, at their rates. @throws {Error} where one is refused. */
async function work({ administrator, url, token }: Load, seconds: number): Promise<void> {
  const path = `/apis/${STORAGE_API_VERSION}/namespaces/${SYSTEM_NAMESPACE}/${KINDS.worker.plural}`;
  const body = { apiVersion: STORAGE_API_VERSION, kind: KINDS.worker.kind, spec: { poolRef: { name: 'busy' } } };
  const comeAndGo = async () => {
    const metadata = { generateName: 'busy-' };
    const created = (await administrator.call({ method: 'POST', path, body: { ...body, metadata }, timeoutMs })) as {
      metadata: { name: string };
    };
    await administrator.call({ method: 'DELETE', path: `${path}/${created.metadata.name}`, timeoutMs });
  };
  const askForCertificate = async () => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(url + CERTIFICATES_PATH, { method: 'POST', headers, body: '{"pools":["busy"]}' });
    if (!answer.ok) throw new Error(`certificate: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
  };
  await Promise.all([
    atRate(workersPerSecond / 2, seconds, comeAndGo),
    atRate(certificatesPerSecond, seconds, askForCertificate),
  ]);
}

/** Begins so many a second, whether those before have ended or not. */
async function atRate(perSecond: number, seconds: number, act: () => Promise<void>): Promise<void> {
  const begun: Promise<void>[] = [];
  const beganAt = performance.now();
  for (let index = 0; index < perSecond * seconds; index++) {
    await sleep(Math.max(0, beganAt + (index * 1000) / perSecond - performance.now()));
    begun.push(act());
  }
  await Promise.all(begun);
}

async function measure(parts: readonly Child[], during: () => Promise<void>): Promise<ReadonlyMap<string, Usage>> {
  const beganAt = performance.now();
  const before = await Promise.all(parts.map(({ pid }) => readCpuMs(pid)));
  await during();
  const elapsedMs = performance.now() - beganAt;
  const usages = parts.map(async ({ name, pid }, index): Promise<[string, Usage]> => {
    const cpuMs = (await readCpuMs(pid)) - (before[index] ?? 0);
    return [name, { mebibytes: await readMebibytes(pid), millicores: (1000 * cpuMs) / elapsedMs }];
  });
  return new Map(await Promise.all(usages));
}

/** MiB: the most that a process had in memory which ends by itself. */
async function measureRun({ pid, ended }: Child): Promise<number> {
  const state = { isOver: false, most: 0 };
  void ended.then(() => (state.isOver = true));
  while (!state.isOver) {
    // Who has just ended has no memory any more, or is gone.
    const taken = await readMebibytes(pid).catch(() => NaN);
    if (taken > state.most) state.most = taken;
    await sleep(5);
  }
  const { status } = await ended;
  if (status !== 0) throw new Error(`expected the authority to end well, got status ${status}`);
  return state.most;
}

/** User and system time; the kernel counts both in hundredths of a second (proc(5)). */
async function readCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // What stands before is a name, which may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

/** In memory, shared pages included. */
async function readMebibytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

interface Measured {
  readonly parts: readonly Child[];
  readonly idle: ReadonlyMap<string, Usage>;
  readonly busy: ReadonlyMap<string, Usage>;
  /** MiB. */
  readonly authority: number;
}

function makeTable({ parts, idle, busy, authority }: Measured): string {
  const show = (usage: Usage | undefined) => `${usage?.mebibytes.toFixed(0)} | ${usage?.millicores.toFixed(1)}`;
  const measurements = parts.map(({ name }) => `| \`${name}\` | ${show(idle.get(name))} | ${show(busy.get(name))} |`);
  const header = '| part | idle, MiB | idle, mCPU | busy, MiB | busy, mCPU |\n| --- | --- | --- | --- | --- |';
  return [header, ...measurements, `| \`authority\` | - | - | ${authority.toFixed(0)} | - |`].join('\n');
}

await main();

/**
 * From the start of a process to its port and to its first answer: the bundles as the image runs them, beside bare Node
 * and a bare server. Then the same from zero, on Knative.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeIntermediate, makeRoot, makeWebhookLeaf } from '../adapters/x509/authorities.ts';
import { CERTIFICATES_PATH } from '../api/http/certificates.ts';
import { KINDS, STATUS_EVENTS_PATH, STORAGE_API_VERSION, TOKEN_AUDIENCE } from '../api/names.ts';
import { makeEvent } from '../core/events/make.ts';
import { makeClientCaProfile, makeRootProfile, makeWebhookRootProfile } from '../core/certificates/profile.ts';
import type { TlsPair } from '../adapters/x509/signer.ts';
import { bundle, fillCompileCache } from '../dev/build.ts';
import { findFreePort } from '../dev/child.ts';
import { find } from '../dev/control-plane/find.ts';
import { serving } from '../dev/control-plane/table.ts';
import { isBehindQueueProxyReady, queueProxyPart, reserveQueueProxy } from '../dev/knative.ts';
import { percentile } from './percentile.ts';
import { readResident } from './resident.ts';
import type { Bench, Measurement } from './measurement.ts';
import { measurePodStarts } from './pod-start.ts';
import { measureWakes } from './wake.ts';
import { startYesApiserver, yesUser } from './yes-apiserver.ts';

const mostMs = 150;
const mostMsToCertificate = 400;
/** What a wake takes until a Pod is there, not counted: that of the containers alone. */
const mostMsToEvent = 500;
const mostMegabytes = 90;
const clusterFqdn = 'bench.buildkit.internal';

export const coldStart: Bench = async ({ quick }) => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-cold-start-'));
  // Also when a start fails: a server that is left open would keep this process from ending.
  await using ends = new AsyncDisposableStack();
  ends.defer(() => rm(folder, { recursive: true, force: true }));
  await bundle(join(folder, 'dist'));
  await fillCompileCache(join(folder, 'dist'));
  const apiserver = await startYesApiserver(await writeMounts(folder));
  ends.defer(apiserver.close);
  const bareServer = join(folder, 'bare.mjs');
  await writeFile(
    bareServer,
    "import { createServer } from 'node:http';\ncreateServer((_, answer) => answer.end()).listen(process.env.PORT, '127.0.0.1');\n",
  );
  const options = { folder, apiserverPort: apiserver.port };
  const measured = await inTurns(quick ? 3 : 20, {
    node: () => timeBareNode(options),
    http: () => timeStart(bareServer, options),
    api: () => timeStart(join(folder, 'dist/api.mjs'), options, requestCertificate),
    uncached: () => timeStart(join(folder, 'dist/api.mjs'), { ...options, isUncached: true }),
    status: () => timeStart(join(folder, 'dist/status.mjs'), options),
  });
  const behindQueueProxy = await measureBehindQueueProxy(options, { bareServer, quick });
  const parts = ['api', 'status'] as const;
  return [
    ...behindQueueProxy,
    ...parts.flatMap((part) => makeMeasurements(part, measured[part], measured.http, measured.node)),
    makeAnswerMeasurement(measured.api, measured.http),
    makeCacheMeasurement(measured.api, measured.uncached),
    ...(quick ? [] : [...(await measurePodStarts()), ...(await measureWakes())]),
  ];
};

interface Started {
  readonly ms: number;
  /** Of all its threads: what the start takes however busy the machine is. */
  readonly cpuMs: number;
  readonly megabytes: number;
  /** To the end of its first answer, where it was asked. */
  readonly answeredMs: number;
}

interface StartOptions {
  readonly folder: string;
  readonly apiserverPort: number;
  readonly isUncached?: boolean;
}

/** One after the other, round after round, so that what else the machine does falls on all of them. */
async function inTurns<K extends string>(
  rounds: number,
  starts: Readonly<Record<K, () => Promise<Started>>>,
): Promise<Record<K, Started[]>> {
  const names = Object.keys(starts) as K[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as Started[]])) as Record<K, Started[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) measured[name].push(await starts[name]());
  }
  return measured;
}

function makeMeasurements(part: string, ours: Started[], http: Started[], node: Started[]): Measurement[] {
  const middle = (started: Started[], value: keyof Started) =>
    percentile(
      started.map((one) => one[value]),
      50,
    );
  const ms = middle(ours, 'ms');
  const megabytes = middle(ours, 'megabytes');
  const listening = { name: 'cold-start', metric: `${part}, start to listening`, value: ms, unit: 'ms' };
  const goal = { goal: `<= ${mostMs} ms`, holds: ms <= mostMs };
  return [
    { ...listening, peer: 'bare http server', peerValue: middle(http, 'ms'), ...goal },
    { ...listening, peer: 'bare node, to its end', peerValue: middle(node, 'ms'), ...goal },
    {
      name: 'cold-start',
      metric: `${part}, CPU until listening`,
      value: middle(ours, 'cpuMs'),
      unit: 'ms',
      peer: 'bare http server',
      peerValue: middle(http, 'cpuMs'),
      goal: `<= ${mostMs} ms`,
      holds: middle(ours, 'cpuMs') <= mostMs,
    },
    {
      name: 'cold-start',
      metric: `${part}, resident when listening`,
      value: megabytes,
      unit: 'MB',
      peer: 'bare http server',
      peerValue: middle(http, 'megabytes'),
      goal: `<= ${mostMegabytes} MB`,
      holds: megabytes <= mostMegabytes,
    },
  ];
}

function makeAnswerMeasurement(ours: readonly Started[], http: readonly Started[]): Measurement {
  const value = percentile(
    ours.map(({ answeredMs }) => answeredMs),
    50,
  );
  return {
    name: 'cold-start',
    metric: 'api, start to the first certificate',
    value,
    unit: 'ms',
    peer: 'bare http server, listening',
    peerValue: percentile(
      http.map(({ ms }) => ms),
      50,
    ),
    goal: `<= ${mostMsToCertificate} ms`,
    holds: value <= mostMsToCertificate,
  };
}

/** What the image carries a compile cache for. */
function makeCacheMeasurement(cached: readonly Started[], uncached: readonly Started[]): Measurement {
  const [value, peerValue] = [cached, uncached].map((started) =>
    percentile(
      started.map(({ cpuMs }) => cpuMs),
      50,
    ),
  ) as [number, number];
  return {
    name: 'cold-start',
    metric: 'api, CPU until listening',
    value,
    unit: 'ms',
    peer: 'without its compile cache',
    peerValue,
    goal: 'less than without',
    holds: value < peerValue,
  };
}

/** Function and queue-proxy are started at once; an event is let through when queue-proxy says so, as the activator does. */
async function measureBehindQueueProxy(
  options: StartOptions,
  { bareServer, quick }: { readonly bareServer: string; readonly quick: boolean },
): Promise<Measurement[]> {
  const reserved = await reserveQueueProxy(quick ? 0 : 10 * 60_000);
  if (typeof reserved === 'string') {
    console.error(`cold-start behind queue-proxy: not run: ${reserved}`);
    return [];
  }
  try {
    const { queue } = await find(serving);
    const start = async (file: string) => {
      const ports = { serving: await findFreePort(), user: await findFreePort() };
      const { environment } = queueProxyPart(queue, ports);
      const proxy = spawn(queue, { env: environment, stdio: 'ignore' });
      try {
        return await timeStart(file, options, (port) => sendEvent(port, ports.serving), ports.user);
      } finally {
        proxy.kill('SIGKILL');
        if (proxy.exitCode === null && proxy.signalCode === null) await once(proxy, 'exit');
      }
    };
    const measured = await inTurns(quick ? 2 : 20, {
      http: () => start(bareServer),
      status: () => start(join(options.folder, 'dist/status.mjs')),
    });
    const middle = (started: readonly Started[]) =>
      percentile(
        started.map(({ answeredMs }) => answeredMs),
        50,
      );
    const value = middle(measured.status);
    return [
      {
        name: 'cold-start',
        metric: 'status behind queue-proxy, start of both to the first event answered',
        value,
        unit: 'ms',
        peer: 'bare http server behind queue-proxy',
        peerValue: middle(measured.http),
        goal: `<= ${mostMsToEvent} ms`,
        holds: value <= mostMsToEvent,
      },
    ];
  } finally {
    reserved.free();
  }
}

/** About a pool that is gone. @throws for any answer but 200. */
async function sendEvent(_port: number, servingPort: number): Promise<void> {
  while (!(await isBehindQueueProxyReady(servingPort))) await sleep(5);
  const pool = { apiVersion: STORAGE_API_VERSION, kind: KINDS.pool.kind, plural: KINDS.pool.plural };
  const metadata = { namespace: 'tenant-a', name: 'gone-0', uid: 'gone', resourceVersion: '1' };
  const { headers, body } = makeEvent(pool, { change: 'delete', object: { metadata } }, { id: '1', source: 'bench' });
  const token = makeToken(Math.floor(Date.now() / 1000));
  const answer = await fetch(`http://127.0.0.1:${servingPort}${STATUS_EVENTS_PATH}`, {
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${token}` },
    body,
  });
  if (answer.status !== 200) throw new Error(`expected the event to be taken, got ${answer.status}`);
}

/** What a kubelet would mount. @returns what the apiserver serves with. */
async function writeMounts(folder: string): Promise<TlsPair> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const root = makeRoot(makeRootProfile, nowSeconds);
  const clients = makeIntermediate(root, makeClientCaProfile, { clusterFqdn, nowSeconds });
  const serving = makeRoot(makeWebhookRootProfile, nowSeconds);
  const files = {
    'account/token': makeToken(nowSeconds),
    'account/ca.crt': serving.certificate,
    'ca/tls.crt': clients.certificate,
    'ca/tls.key': clients.key,
    'ca/ca.crt': root.certificate,
  };
  for (const name of ['account', 'ca']) await mkdir(join(folder, name));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return makeWebhookLeaf(serving, ['127.0.0.1'], nowSeconds);
}

/** Of the cluster, as far as it can be seen without its key. */
function makeToken(nowSeconds: number): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const claims = { iss: 'https://kubernetes.default.svc', aud: TOKEN_AUDIENCE, exp: nowSeconds + 3600 };
  return `${encode({ alg: 'RS256' })}.${encode(claims)}.AAAA`;
}

const makeEnvironment = ({ folder, apiserverPort, isUncached }: StartOptions, port: number): NodeJS.ProcessEnv => ({
  ...(isUncached === true ? {} : { NODE_COMPILE_CACHE: join(folder, 'dist/compile-cache') }),
  NODE_COMPILE_CACHE_PORTABLE: '1',
  HOST: '127.0.0.1',
  PORT: String(port),
  KUBERNETES_SERVICE_HOST: '127.0.0.1',
  KUBERNETES_SERVICE_PORT: String(apiserverPort),
  ACCOUNT_FOLDER: join(folder, 'account'),
  CA_FOLDER: join(folder, 'ca'),
  CLUSTER_FQDN: clusterFqdn,
  PRIVATE_ISSUERS: 'off',
  EVENT_SENDERS: yesUser,
});

/** Asks a server once it listens. Rejects at any answer but success. */
type Ask = (port: number) => Promise<void>;

async function requestCertificate(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}${CERTIFICATES_PATH}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${makeToken(Math.floor(Date.now() / 1000))}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ pools: ['tenant-pool', 'buildkit-system/shared-pool'] }),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`expected a certificate, got ${answer.status}: ${text}`);
}

async function timeStart(file: string, options: StartOptions, ask?: Ask, wantedPort?: number): Promise<Started> {
  const port = wantedPort ?? (await findFreePort());
  const startMs = performance.now();
  const child = spawn(process.execPath, [file], { env: makeEnvironment(options, port), stdio: 'ignore' });
  try {
    while (!(await isListening(port))) {
      if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}`);
      await sleep(1);
    }
    const ms = performance.now() - startMs;
    const listening = { ms, cpuMs: await readCpuMs(child), megabytes: await readResident(child.pid) };
    await ask?.(port);
    return { ...listening, answeredMs: performance.now() - startMs };
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => {
      finish(true);
    });
    socket.once('error', () => {
      finish(false);
    });
  });

/** Linux; elsewhere nothing is known of it. */
async function readCpuMs({ pid }: ChildProcess): Promise<number> {
  const tasks = `/proc/${pid ?? 0}/task`;
  const ids = await readdir(tasks).catch(() => []);
  const spent = ids.map(async (id) => Number((await readFile(join(tasks, id, 'schedstat'), 'utf8')).split(' ')[0]));
  return ids.length === 0 ? Number.NaN : (await Promise.all(spent)).reduce((sum, one) => sum + one, 0) / 1e6;
}

async function timeBareNode(options: StartOptions): Promise<Started> {
  const startMs = performance.now();
  const child = spawn(process.execPath, ['-e', '0'], { env: makeEnvironment(options, 0), stdio: 'ignore' });
  await once(child, 'exit');
  const ms = performance.now() - startMs;
  return { ms, cpuMs: Number.NaN, megabytes: Number.NaN, answeredMs: Number.NaN };
}

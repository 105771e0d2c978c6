/**
 * What a gateway takes of a CPU for what it moves, beside HAProxy with one thread that does the same mutual TLS on both
 * sides, in turn and against the same worker. Reads /proc: on Linux only.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findFreePort, startChild, type Child } from '../dev/child.ts';
import {
  clusterFqdn,
  createCas,
  leaseOf,
  makeClient,
  makeLeaf,
  makeWorkerPair,
  ownPool,
  workerIdentity,
} from '../test/gateway/world.ts';
import { readResident } from './resident.ts';
import type { Bench, Measurement } from './measurement.ts';
import { readCpuMs } from './webhook-cost.ts';

interface Peer {
  readonly port: number;
  readonly pid: number;
}

interface Setting {
  readonly folder: string;
  readonly ours: Peer;
  readonly haproxy: Peer;
}

export const gateway: Bench = async ({ quick }) => {
  const program = await findHaproxy();
  if (program === undefined) {
    console.error('bench: gateway: not run: HAProxy is not installed, and apt-get can not install it here');
    return [];
  }
  return await withPeers(program, async (setting) => {
    // Before the transfers: what these took of memory would be used again.
    const idle = await compareIdle(setting, quick);
    return [...(await compareTransfers(setting, quick)), await compareConnections(setting, quick), idle];
  });
};

const run = promisify(execFile);

async function findHaproxy(): Promise<string | undefined> {
  const find = async (): Promise<string> =>
    (await run('sh', ['-c', 'command -v haproxy || ls /usr/sbin/haproxy'])).stdout.trim();
  try {
    return await find();
  } catch {
    try {
      await run('apt-get', ['install', '-y', '--no-install-recommends', 'haproxy'], { timeout: 300_000 });
      return await find();
    } catch {
      return undefined;
    }
  }
}

async function withPeers(program: string, work: (setting: Setting) => Promise<Measurement[]>): Promise<Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-gateway-'));
  const children: Child[] = [];
  try {
    const [port, haproxyPort, workerPort] = [await findFreePort(), await findFreePort(), await findFreePort()];
    await writeSetting(folder, { haproxyPort, workerPort });
    const start = async (name: string, file: string, args: readonly string[], listensOn: number): Promise<Peer> => {
      const environment = { PATH: process.env['PATH'] ?? '', FOLDER: folder, PORT: String(listensOn) };
      const child = await startChild({ name, file, args, cwd: folder, log: join(folder, `${name}.log`), environment });
      children.push(child);
      await waitForPort(listensOn);
      return { port: listensOn, pid: child.pid };
    };
    const node = (name: string, listensOn: number) =>
      start(name, process.execPath, [join(import.meta.dirname, 'gateway', `${name}.ts`)], listensOn);
    await node('worker', workerPort);
    const ours = await node('proxy', port);
    const haproxy = await start('haproxy', program, ['-db', '-f', join(folder, 'haproxy.cfg')], haproxyPort);
    return await work({ folder, ours, haproxy });
  } finally {
    for (const child of children) await child.end();
    await rm(folder, { recursive: true, force: true });
  }
}

async function waitForPort(port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await sleep(100);
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`port ${port}: nobody listens after a minute`);
}

interface Ports {
  readonly haproxyPort: number;
  readonly workerPort: number;
}

async function writeSetting(folder: string, { haproxyPort, workerPort }: Ports): Promise<void> {
  const cas = createCas();
  const pairs = {
    client: makeClient(cas),
    worker: makeWorkerPair(cas, 'w1'),
    gateway: makeLeaf(cas.gateways, {}),
    server: makeLeaf(cas.servers, { extendedKeyUsage: ['serverAuth'], names: [{ kind: 'ipv4', value: '127.0.0.1' }] }),
  };
  const worker = {
    name: 'w1',
    namespace: 'tenant-a',
    address: `127.0.0.1:${workerPort}`,
    identity: workerIdentity('w1'),
  };
  const route = { lease: leaseOf(pairs.client), worker };
  const files: Record<string, string> = {
    'ca.crt': cas.root.certificate,
    'gateways.crt': cas.gateways.certificate,
    'setup.json': JSON.stringify({ clusterFqdn, pool: ownPool, route }),
    'haproxy.cfg': makeHaproxyConfig(folder, { haproxyPort, workerPort }),
  };
  for (const [name, { certificate, key }] of Object.entries(pairs)) {
    Object.assign(files, { [`${name}.crt`]: certificate, [`${name}.key`]: key, [`${name}.pem`]: certificate + key });
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content, { mode: 0o600 });
}

/** The same versions, ciphers and curves, no resumption, and certificates checked on both sides. */
const makeHaproxyConfig = (folder: string, { haproxyPort, workerPort }: Ports): string => `global
  nbthread 1
  maxconn 4000
  tune.ssl.cachesize 0
defaults
  mode tcp
  timeout connect 5s
  timeout client 120s
  timeout server 120s
frontend clients
  bind 127.0.0.1:${haproxyPort} ssl crt ${folder}/server.pem ca-file ${folder}/ca.crt verify required alpn h2 curves X25519 ciphersuites TLS_AES_128_GCM_SHA256 ssl-min-ver TLSv1.2 no-tls-tickets
  default_backend workers
backend workers
  server w1 127.0.0.1:${workerPort} ssl crt ${folder}/gateway.pem ca-file ${folder}/ca.crt verify required alpn h2 ciphersuites TLS_AES_128_GCM_SHA256 ssl-min-ver TLSv1.3 no-ssl-reuse
`;

/** What the clients of a run are: see gateway/load.ts. */
interface Load {
  readonly mode: 'down' | 'up' | 'idle';
  readonly count: number;
  readonly bytes: number;
  readonly streams: number;
}

function startLoad(folder: string, { port }: Peer, { mode, count, bytes, streams }: Load): ChildProcess {
  const args = [join(import.meta.dirname, 'gateway/load.ts'), mode, ...[count, bytes, streams].map(String)];
  const env = { PATH: process.env['PATH'] ?? '', FOLDER: folder, PORT: String(port) };
  return spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Seconds of CPU that the peer took for it. */
async function measure(folder: string, peer: Peer, load: Load): Promise<number> {
  const before = await readCpuMs(peer.pid);
  const [code] = (await once(startLoad(folder, peer, load), 'exit')) as [number | null];
  if (code !== 0) throw new Error(`load: expected it to end well, got ${code ?? 'a signal'}`);
  return ((await readCpuMs(peer.pid)) - before) / 1000;
}

/** The better of so many runs each, in turn: what else the machine does slows both. */
async function compare(
  { folder, ours, haproxy }: Setting,
  load: Load,
  runs: number,
): Promise<readonly [number, number]> {
  const best = [Infinity, Infinity] as [number, number];
  for (let done = 0; done < runs; done++) {
    best[0] = Math.min(best[0], await measure(folder, ours, load));
    best[1] = Math.min(best[1], await measure(folder, haproxy, load));
  }
  return best;
}

const mebibyte = 1024 * 1024;

const makeMeasurement = (
  metric: string,
  unit: string,
  [value, peerValue]: readonly [number, number],
  least: number,
): Measurement => ({
  name: 'gateway',
  metric,
  value,
  unit,
  peer: 'HAProxy, one thread',
  peerValue,
  goal: `>= ${least} of HAProxy`,
  holds: value >= least * peerValue,
});

async function compareTransfers(setting: Setting, quick: boolean): Promise<Measurement[]> {
  const total = (quick ? 128 : 512) * mebibyte;
  const loads: readonly (readonly [string, Load, number])[] = [
    ['towards clients', { mode: 'down', count: 1, bytes: total, streams: 1 }, 0.9],
    ['towards workers', { mode: 'up', count: 1, bytes: total, streams: 1 }, 0.8],
    ['64 streams towards clients', { mode: 'down', count: 64, bytes: total / 64, streams: 64 }, 0.8],
  ];
  const measurements: Measurement[] = [];
  for (const [metric, load, least] of loads) {
    const [ours, haproxy] = await compare(setting, load, quick ? 1 : 3);
    const rate = (seconds: number): number => total / mebibyte / seconds;
    measurements.push(makeMeasurement(metric, 'MiB per CPU-second', [rate(ours), rate(haproxy)], least));
  }
  return measurements;
}

async function compareConnections(setting: Setting, quick: boolean): Promise<Measurement> {
  const count = quick ? 160 : 800;
  const [ours, haproxy] = await compare(setting, { mode: 'down', count, bytes: 1, streams: 8 }, quick ? 1 : 3);
  return makeMeasurement('new connections', 'per CPU-second', [count / ours, count / haproxy], 0.6);
}

async function compareIdle(setting: Setting, quick: boolean): Promise<Measurement> {
  const count = quick ? 100 : 400;
  const [ours, haproxy] = [
    await measureIdle(setting.folder, setting.ours, count),
    await measureIdle(setting.folder, setting.haproxy, count),
  ];
  return {
    name: 'gateway',
    metric: 'memory of an idle connection',
    value: ours,
    unit: 'kB',
    peer: 'HAProxy, one thread',
    peerValue: haproxy,
    goal: '<= 2.2 of HAProxy',
    holds: ours <= 2.2 * haproxy,
  };
}

/** What a connection adds once some have come and gone: what the first ones took for the process is not theirs. */
async function measureIdle(folder: string, peer: Peer, count: number): Promise<number> {
  await measure(folder, peer, { mode: 'down', count: 64, bytes: 1, streams: 8 });
  const before = await readResident(peer.pid);
  const load = startLoad(folder, peer, { mode: 'idle', count, bytes: 0, streams: 1 });
  if (load.stdout !== null) await once(load.stdout, 'data');
  await sleep(2000);
  const after = await readResident(peer.pid);
  load.kill();
  await once(load, 'exit');
  return ((after - before) * 1000) / count;
}

/**
 * Certificates from end to end: the function `api` as a process of its own, a real apiserver that it asks, and 32 clients
 * that keep their connections. Beside it, in turns, the rate at which the same apiserver answers GETs of a pool, and
 * `api` of another checkout where one is named.
 */
import { join, resolve } from 'node:path';
import type { KubeClient } from '../adapters/kube/client.ts';
import { ourObjectPath } from '../adapters/kube/paths.ts';
import { KINDS } from '../api/names.ts';
import { findFreePort, type Child } from '../dev/child.ts';
import { apiPart } from '../dev/parts.ts';
import type { Stack } from '../dev/stack.ts';
import { bareCryptography, letIn, requestCertificates, sharedPool, type Client } from './certificate-client.ts';
import type { CsrKind } from './csr.ts';
import { percentile } from './percentile.ts';
import type { Bench, Measurement } from './measurement.ts';
import { countApiCalls, readCpuMs } from './webhook-cost.ts';
import { endFunctions, timeEach } from './workers.ts';

const connections = 32;
/** Where every request makes all of its reads itself, it is a quarter. */
const leastOfGets = 0.75;
const mostApiCalls = 0.5;
const leastOfBefore = 3.5;
const leastOfCryptography = 0.2;

export const certificates: Bench = async ({ quick, before, withStack }) =>
  await withStack(async (stack, administrator, folder) => {
    await endFunctions(stack);
    const client = await letIn(stack);
    const amount = quick ? { rounds: 1, seconds: 1 } : { rounds: 4, seconds: 5 };
    const api = await startApi(stack);
    const former = before === undefined ? undefined : await startApi(stack, resolve(before));
    try {
      const measured = await measure({ administrator, client, folder, api, former }, amount);
      return makeMeasurements(measured);
    } finally {
      await Promise.all([api.child.end(), former?.child.end()]);
    }
  });

interface Api {
  readonly child: Child;
  readonly port: number;
}

/** Of this checkout, or of the one in that folder. */
async function startApi(stack: Stack, checkout?: string): Promise<Api> {
  const port = await findFreePort();
  const part = apiPart({ mounts: stack.mounts, kubeUrl: stack.controlPlane.url, port });
  const other = checkout === undefined ? {} : { name: 'api-before', file: join(checkout, part.file) };
  return { port, child: await stack.launch({ ...part, ...other }) };
}

interface World {
  readonly administrator: KubeClient;
  readonly client: Client;
  /** Where the audit log is. */
  readonly folder: string;
  readonly api: Api;
  readonly former: Api | undefined;
}

/** What came of some seconds of load. */
interface Load {
  readonly timesMs: number[];
  seconds: number;
  cpuSeconds: number;
  apiCalls: number;
}

interface Measured {
  readonly gets: Load;
  readonly made: Load;
  readonly sent: Readonly<Record<CsrKind, Load>>;
  readonly former: Load | undefined;
  /** A CPU-second. */
  readonly cryptography: number;
}

const noLoad = (): Load => ({ timesMs: [], seconds: 0, cpuSeconds: 0, apiCalls: 0 });

async function measure(
  world: World,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Measured> {
  const { administrator, api, former } = world;
  const gets = noLoad();
  const made = noLoad();
  const sent = { 'P-256': noLoad(), 'RSA 2048': noLoad() };
  const before = former === undefined ? undefined : noLoad();
  const path = ourObjectPath(KINDS.pool.plural, sharedPool);
  const ask = (port: number, kind?: CsrKind) => requestCertificates({ ...world.client, port, connections, kind });
  const warm = [ask(api.port), ...(former === undefined ? [] : [ask(former.port)])];
  for (const request of warm) await timeFor(seconds, request);
  for (let round = 0; round < rounds; round++) {
    const get = () => administrator.call({ path });
    await load(gets, { world, api, seconds }, get);
    if (former !== undefined && before !== undefined) {
      await load(before, { world, api: former, seconds }, ask(former.port));
    }
    await load(made, { world, api, seconds }, ask(api.port));
    for (const kind of ['P-256', 'RSA 2048'] as const) {
      await load(sent[kind], { world, api, seconds: seconds / 2 }, ask(api.port, kind));
    }
  }
  return { gets, made, sent, former: before, cryptography: bareCryptography(rounds * 500) };
}

const timeFor = async (seconds: number, call: () => Promise<unknown>): Promise<number[]> => {
  const endMs = performance.now() + seconds * 1000;
  const times: number[] = [];
  const lane = async () => {
    while (performance.now() < endMs) times.push(...(await timeEach(1, 1, call)));
  };
  await Promise.all(Array.from({ length: connections }, lane));
  return times;
};

interface Loaded {
  readonly world: World;
  readonly api: Api;
  readonly seconds: number;
}

async function load(to: Load, { world, api, seconds }: Loaded, call: () => Promise<unknown>): Promise<void> {
  const cost = async () => ({
    ms: performance.now(),
    cpuMs: await readCpuMs(api.child.pid),
    calls: await countApiCalls(world.folder, 'api'),
  });
  const begin = await cost();
  to.timesMs.push(...(await timeFor(seconds, call)));
  const end = await cost();
  to.seconds += (end.ms - begin.ms) / 1000;
  to.cpuSeconds += (end.cpuMs - begin.cpuMs) / 1000;
  to.apiCalls += end.calls - begin.calls;
}

const rateOf = ({ timesMs, seconds }: Load): number => timesMs.length / seconds;

function makeMeasurements({ gets, made, sent, former, cryptography }: Measured): Measurement[] {
  const rateOfGets = rateOf(gets);
  const besideGets = (metric: string, load: Load): Measurement => ({
    name: 'certificates',
    metric: `issued, two pools, ${connections} connections, ${metric}`,
    value: rateOf(load),
    unit: '/s',
    peer: 'GETs of a pool, same apiserver',
    peerValue: rateOfGets,
    goal: `>= ${leastOfGets} of the peer`,
    holds: rateOf(load) >= leastOfGets * rateOfGets,
  });
  return [
    besideGets('key made here', made),
    besideGets('CSR, P-256', sent['P-256']),
    besideGets('CSR, RSA 2048', sent['RSA 2048']),
    makeLatencyMeasurement(made, gets),
    makeCpuMeasurement(made, cryptography),
    makeCallsMeasurement(made),
    ...(former === undefined ? [] : makeMeasurementsBeside(made, former)),
  ];
}

function makeLatencyMeasurement(made: Load, gets: Load): Measurement {
  const [value, peerValue] = [percentile(made.timesMs, 99), percentile(gets.timesMs, 99)];
  return {
    name: 'certificates',
    metric: 'request, key made here, p99',
    value,
    unit: 'ms',
    peer: 'GETs of a pool, same apiserver',
    peerValue,
    goal: '<= 3 times the peer',
    holds: value <= 3 * peerValue,
  };
}

function makeCpuMeasurement({ timesMs, cpuSeconds }: Load, cryptography: number): Measurement {
  const value = timesMs.length / cpuSeconds;
  return {
    name: 'certificates',
    metric: 'issued, key made here, CPU of api',
    value,
    unit: '/CPU-s',
    peer: 'node:crypto P-256 key, export, sign',
    peerValue: cryptography,
    goal: `>= ${leastOfCryptography} of the peer`,
    holds: value >= leastOfCryptography * cryptography,
  };
}

function makeCallsMeasurement({ timesMs, apiCalls }: Load): Measurement {
  const value = apiCalls / timesMs.length;
  return {
    name: 'certificates',
    metric: 'API calls of a certificate',
    value,
    unit: 'calls',
    peer: 'limit',
    peerValue: mostApiCalls,
    goal: `<= ${mostApiCalls}`,
    holds: value <= mostApiCalls,
  };
}

/** Beside the other checkout. */
function makeMeasurementsBeside(made: Load, former: Load): Measurement[] {
  const [value, peerValue] = [rateOf(made), rateOf(former)];
  const [p99, formerP50] = [percentile(made.timesMs, 99), percentile(former.timesMs, 50)];
  return [
    {
      name: 'certificates',
      metric: 'issued, key made here',
      value,
      unit: '/s',
      peer: 'the other checkout',
      peerValue,
      goal: `>= ${leastOfBefore} times the peer`,
      holds: value >= leastOfBefore * peerValue,
    },
    {
      name: 'certificates',
      metric: 'request, key made here, p99',
      value: p99,
      unit: 'ms',
      peer: 'the other checkout, p50',
      peerValue: formerP50,
      goal: 'less than the peer',
      holds: p99 < formerP50,
    },
    {
      name: 'certificates',
      metric: 'issued, key made here, CPU of api',
      value: made.timesMs.length / made.cpuSeconds,
      unit: '/CPU-s',
      peer: 'the other checkout',
      peerValue: former.timesMs.length / former.cpuSeconds,
      goal: 'more than the peer',
      holds: made.timesMs.length / made.cpuSeconds > former.timesMs.length / former.cpuSeconds,
    },
  ];
}

/** The status of pools where there are many: how soon it is true, what a burst and a resync cost, and how much memory. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../adapters/kube/client.ts';
import { ourObjectPath } from '../adapters/kube/paths.ts';
import { minResyncPeriodMs } from '../api/limits/status.ts';
import { KINDS } from '../api/names.ts';
import { forEachAtOnce } from '../core/parallel.ts';
import type { AuditedCall } from '../dev/audit.ts';
import { followPools, type Follower } from './follow-pools.ts';
import { percentile } from './percentile.ts';
import type { Measurement } from './measurement.ts';
import { readCpuMs } from './webhook-cost.ts';
import {
  burstPool,
  burstWorker,
  patchStatus,
  poolOf,
  setPhase,
  waitForQuiet,
  withWorld,
  workerOf,
  type Sizes,
  type World,
} from './status-world.ts';

const pools = 1_000;
const burst = 1_000;
const changesPerSecond = 50;
const secondsOfChanges = 20;

export const measureScale = async (workers: number): Promise<Measurement[]> => {
  const sizes: Sizes = { pools, workers, burst };
  return await withWorld(sizes, async (world) => {
    const watching = new AbortController();
    try {
      return await measureIn(world, sizes, await followPools(world.kube, watching.signal));
    } finally {
      watching.abort();
    }
  });
};

async function measureIn(world: World, sizes: Sizes, follower: Follower): Promise<Measurement[]> {
  const status = await world.startStatus();
  const megabytesAtStart = await readMegabytes(status.pid, 'VmRSS');
  const firstSeconds = await timeResync(world);
  const bridge = await world.startBridge();
  const bridgeAtStart = await readMegabytes(bridge.pid, 'VmRSS');
  await waitForQuiet(world);
  const changed = await measureChanges(world, follower, { sizes, pid: status.pid });
  await waitForQuiet(world);
  const counted = await countBurst(world);
  // The bridge asked for one, too, and no second begins before that.
  await sleep(minResyncPeriodMs);
  const againSeconds = await timeResync(world);
  const [megabytes, bridgeMegabytes] = [
    await readMegabytes(status.pid, 'VmHWM'),
    await readMegabytes(bridge.pid, 'VmHWM'),
  ];
  await bridge.end();
  await status.end();
  const bare = await measureBareWrites(world.kube, follower);
  const label = (metric: string): string => `${metric}, ${sizes.workers} workers in ${pools} pools`;
  return [
    ...makeLatencyMeasurements(label, changed.ms, bare),
    makeMeasurement(label(`calls for a change`), changed.callsPerChange, '', ['changes', 1, Infinity]),
    makeMeasurement(label(`CPU of status for a change`), changed.cpuMsPerChange, 'ms', ['limit', 5, 5]),
    ...makeBurstMeasurements(counted),
    makeMeasurement(label('resync that writes every status'), firstSeconds, 's', ['limit', 10, 10]),
    makeMeasurement(label('resync that writes none'), againSeconds, 's', ['limit', 10, 10]),
    makeMeasurement(label('most memory of status'), megabytes, 'MB', ['when listening', megabytesAtStart, 150]),
    makeMeasurement(label('most memory of the bridge'), bridgeMegabytes, 'MB', [
      'when listening',
      bridgeAtStart,
      Infinity,
    ]),
  ].map((measurement) => ({ ...measurement, name: 'status' }));
}

/** Seconds, until one is complete: on a machine that is too busy for it, that is told by the time it takes. */
async function timeResync({ ping }: World): Promise<number> {
  const beganMs = performance.now();
  while ((await ping()) !== 200) await sleep(1_000);
  return (performance.now() - beganMs) / 1000;
}

/** Each `at` its own moment, whatever becomes of those before; the values of all. */
async function atFixedRate<T>(count: number, act: (index: number) => Promise<T>): Promise<T[]> {
  const begin = performance.now();
  const running: Promise<T>[] = [];
  for (let index = 0; index < count; index++) {
    await sleep(Math.max(0, begin + (index * 1000) / changesPerSecond - performance.now()));
    running.push(act(index));
  }
  return await Promise.all(running);
}

/** A change of one worker of each pool in turn, from the moment it is accepted until a watch shows the status. */
async function measureChanges(
  world: World,
  follower: Follower,
  { sizes, pid }: { readonly sizes: Sizes; readonly pid: number },
) {
  const { kube, readCalls } = world;
  const count = changesPerSecond * secondsOfChanges;
  const before = { calls: (await readCalls()).length, cpuMs: await readCpuMs(pid) };
  const ms = await atFixedRate(count, async (index) => {
    const pool = index % sizes.pools;
    const round = Math.floor(index / sizes.pools);
    const visibleAt = follower.waitFor(poolOf(pool), ({ workers }) => workers?.allocated === (round % 2 === 0 ? 1 : 0));
    await setPhase(kube, workerOf(pool, sizes), round % 2 === 0 ? 'Allocated' : 'Idle');
    const accepted = performance.now();
    return Math.max(0, (await visibleAt) - accepted);
  });
  await waitForQuiet(world);
  return {
    ms,
    callsPerChange: ((await readCalls()).length - before.calls) / count,
    cpuMsPerChange: ((await readCpuMs(pid)) - before.cpuMs) / count,
  };
}

/** The same pace without anything of ours. */
const measureBareWrites = (kube: KubeClient, follower: Follower): Promise<number[]> =>
  atFixedRate(changesPerSecond * 5, async (index) => {
    const lastActivityTime = new Date(index * 1000).toISOString();
    const visibleAt = follower.waitFor(poolOf(index), (written) => written.lastActivityTime === lastActivityTime);
    const sent = performance.now();
    await patchStatus(kube, ourObjectPath(KINDS.pool.plural, { ...poolOf(index), subresource: 'status' }), {
      lastActivityTime,
    });
    return (await visibleAt) - sent;
  });

interface Counted {
  readonly runs: number;
  readonly lists: number;
  readonly writes: number;
}

/** What `status` asks while every worker of one pool changes. */
async function countBurst(world: World): Promise<Counted> {
  const before = (await world.readCalls()).length;
  await forEachAtOnce(Array(burst).keys(), 32, async (index) => {
    await setPhase(world.kube, burstWorker(index), 'Idle');
  });
  await waitForQuiet(world);
  const calls = (await world.readCalls()).slice(before);
  const count = (fits: (call: AuditedCall) => boolean): number => calls.filter(fits).length;
  const isOfPool = ({ objectRef }: AuditedCall): boolean =>
    objectRef?.resource === KINDS.pool.plural && objectRef.name === burstPool.name;
  return {
    runs: count((call) => call.verb === 'get' && isOfPool(call)),
    lists: count(
      // One, however many pages it has.
      ({ verb, requestURI }) =>
        verb === 'list' &&
        requestURI.includes(`spec.poolRef.name%3D${burstPool.name}`) &&
        !requestURI.includes('continue='),
    ),
    writes: count((call) => call.verb === 'patch' && isOfPool(call)),
  };
}

/** Linux; elsewhere nothing is known of it. */
async function readMegabytes(pid: number, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1000;
}

const makeLatencyMeasurements = (label: (metric: string) => string, ours: number[], bare: number[]) =>
  (
    [
      [50, 50],
      [99, 250],
    ] as const
  ).map(([p, most]) =>
    makeMeasurement(
      label(`change of a worker to status of its pool at ${changesPerSecond}/s, p${p}`),
      percentile(ours, p),
      'ms',
      ['bare write of the status', percentile(bare, p), most],
    ),
  );

function makeBurstMeasurements({ runs, lists, writes }: Counted) {
  const metric = (what: string): string => `${what}, of ${burst} changes of one pool`;
  return [
    makeMeasurement(metric('runs'), runs, '', ['changes', burst, burst]),
    makeMeasurement(metric('LISTs of workers in a run'), lists / runs, '', ['runs', runs, 2]),
    makeMeasurement(metric('writes in a run'), writes / runs, '', ['runs', runs, 2]),
  ];
}

type Beside = readonly [peer: string, peerValue: number, most: number];

const makeMeasurement = (
  metric: string,
  value: number,
  unit: string,
  [peer, peerValue, most]: Beside,
): Omit<Measurement, 'name'> => ({
  metric,
  value,
  unit,
  peer,
  peerValue,
  goal: most === Infinity ? '' : `<= ${most}${unit === '' ? '' : ` ${unit}`}`,
  holds: value <= most,
});

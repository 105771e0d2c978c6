/**
 * A walk at random: whatever is lost, doubled, late, killed, restarted or forgotten, after a quiet second every status is
 * what a list says, and no connection was lost or counted twice. SEED repeats the choices; SOAK=1 goes on for 30 minutes.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KubeError } from '../../adapters/kube/client.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { Gateway } from './gateways.ts';
import { compactEtcd } from './etcd.ts';
import type { Key } from './objects.ts';
import { readWhenQuiet } from './quiet.ts';
import { recount } from './recount.ts';
import type { Chances } from './storm.ts';
import { bringUpWalk, createRandom, gatewayPools, namespaces, type WalkWorld } from './walk.ts';
import { isSoak } from './webhooks.ts';

const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
const random = createRandom(seed);
const walkMs = isSoak ? 30 * 60_000 : 40_000;
const stepsOfRound = 40;

const wind: Chances = { lost: 0, doubled: 0.3, late: 0.3 };
const gale: Chances = { ...wind, lost: 0.4 };
const phases = ['Pending', 'Provisioning', 'Running', 'Idle', 'Allocated', 'Failed', 'Terminating'] as const;

let world: WalkWorld;
beforeAll(async () => {
  world = await bringUpWalk(random);
});
afterAll(async () => {
  await world.end();
});

const draw = (most: number): number => Math.floor(random() * most);
function pick<T>(items: readonly T[]): T {
  const item = items[draw(items.length)];
  if (item === undefined) throw new Error('expected something to pick from');
  return item;
}
const pickKey = (prefix: string, most: number): Key => ({
  namespace: pick(namespaces),
  name: `${prefix}-${draw(most)}`,
});
/** Those with gateways more often than the eight that come and go. */
const pickPool = (): Key => (draw(2) === 0 ? pick(gatewayPools) : pickKey('pool', 4));
const pickWorker = (): Key => pickKey('worker', 30);
const pickGateway = (): readonly [Key, Gateway] => {
  const [name, gateway] = pick([...world.gateways]);
  return [{ namespace: namespaces[0], name }, gateway];
};

/** What may happen at any moment, the frequent more than once. */
const changes: readonly (() => Promise<void>)[] = [
  ...Array.from({ length: 4 }, () => () => world.objects.createWorker(pickWorker(), pickPool())),
  ...Array.from({ length: 8 }, () => () => world.objects.setPhase(pickWorker(), pick(phases))),
  ...Array.from({ length: 2 }, () => () => world.objects.deleteWorker(pickWorker())),
  ...Array.from({ length: 2 }, () => () => world.objects.createPool(pickKey('pool', 4), scaled())),
  () => world.objects.deletePool(pickKey('pool', 4)),
  () => world.objects.labelPool(pickPool(), { turn: String(draw(100)) }),
  ...Array.from({ length: 4 }, () => () => pickGateway()[1].work()),
  ...Array.from({ length: 2 }, () => () => pickGateway()[1].repeat()),
  ...Array.from({ length: 2 }, () => () => pickGateway()[1].addPod()),
  async () => {
    const [pool, gateway] = pickGateway();
    await gateway.losePod();
    await world.scaleGateway(pool, draw(4));
  },
  ...Array.from({ length: 6 }, () => () => world.scaleGateway(pick(gatewayPools), draw(4))),
  async () => {
    await pickGateway()[1].restartProcess();
  },
];

const scaled = (): object => ({ workers: { scaling: { min: draw(3), max: 3 + draw(5) } } });

/** What is not there, or there already, or not to be had while the apiserver is away, is no change. */
async function take(steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await pick(changes)().catch((error: unknown) => {
      if (!(error instanceof KubeError)) throw error;
    });
  }
}

async function killFunction(): Promise<void> {
  world.kill('status', 'SIGKILL');
  await world.stack.restart('status');
}

/** Each beside steps of the walk. */
const disturbances: Readonly<Record<string, () => Promise<void>>> = {
  nothing: async () => {
    world.storm.blow(wind);
    await take(stepsOfRound);
  },
  'function killed': async () => {
    world.storm.blow(wind);
    await Promise.all([take(stepsOfRound), killFunction()]);
  },
  'bridge killed': async () => {
    world.storm.blow(wind);
    const walked = take(stepsOfRound);
    world.kill('bridge', 'SIGKILL');
    await sleep(draw(500));
    world.storm.forgetSource();
    await Promise.all([walked, world.stack.restart('bridge')]);
  },
  // The next ping is not put off by one before: the function that remembers it is gone.
  'events lost': async () => {
    world.storm.blow(gale);
    await take(stepsOfRound);
    await killFunction();
  },
  'apiserver restarted': async () => {
    world.storm.blow(wind);
    await Promise.all([take(stepsOfRound), world.stack.controlPlane.restart('kube-apiserver')]);
  },
  'watches compacted': async () => {
    world.storm.blow(wind);
    world.kill('bridge', 'SIGSTOP');
    await take(stepsOfRound);
    await compactEtcd(world.controlPlaneFolder);
    const restarted = world.stack.controlPlane.restart('kube-apiserver');
    world.kill('bridge', 'SIGCONT');
    await restarted;
  },
};

interface Everything {
  readonly pools: readonly Pool[];
  readonly workers: readonly Worker[];
  /** Of the gateway's Deployment, by the name of its pool. */
  readonly replicas: ReadonlyMap<string, number>;
}

const readEverything = async (): Promise<Everything> => ({
  pools: await world.objects.listPools(),
  workers: await world.objects.listWorkers(),
  replicas: await world.readReplicas(),
});

const listVersions = ({ pools, workers }: Everything): string =>
  [...pools, ...workers].map(({ metadata }) => metadata.resourceVersion).join();

/** What is there after a second in which nothing was written and no event was on its way. */
const quiet = (): Promise<Everything> =>
  readWhenQuiet({ read: readEverything, versionsOf: listVersions, pass: world.storm.calm });

async function waitUntilQuiet(): Promise<Everything> {
  world.storm.blow({ lost: 0, doubled: 0, late: 0 });
  await world.untilWatching();
  await world.storm.calm();
  if (world.storm.takeLost() > 0) await expect.poll(world.ping, { timeout: 120_000, interval: 500 }).toBe(200);
  for (const gateway of world.gateways.values()) await gateway.reportAll();
  return await quiet();
}

function findFaults({ pools, workers, replicas }: Everything): string[] {
  return pools.flatMap(({ metadata, spec, status }) => {
    const { name } = metadata;
    const faults = [
      world.gateways.get(name)?.findFault(status?.connections),
      compare('workers', recount({ metadata, spec }, workers), status?.workers),
      compare('replicas', { wanted: replicas.get(name) ?? 0 }, { wanted: status?.gateway?.replicas }),
    ];
    return faults.flatMap((fault) => (fault === undefined ? [] : [`${name}: ${fault}`]));
  });
}

function compare(what: string, expected: object, got: object = {}): string | undefined {
  const [right, said] = [expected, got].map((one) => JSON.stringify(Object.entries(one).toSorted()));
  return right === said ? undefined : `${what}: expected ${right}, got ${said}`;
}

it(`has a true status after every quiet second, from seed ${seed}`, { timeout: walkMs + 300_000 }, async () => {
  const endMs = performance.now() + walkMs;
  // Each once, in an order of their own, and then at random.
  const order = Object.keys(disturbances).toSorted(() => random() - 0.5);
  for (let round = 0; round < order.length || performance.now() < endMs; round++) {
    const name = order[round] ?? pick(order);
    await disturbances[name]?.();
    expect(findFaults(await waitUntilQuiet()), `round ${round}, ${name}, seed ${seed}`).toEqual([]);
  }
});

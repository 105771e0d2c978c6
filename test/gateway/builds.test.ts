/**
 * Builds by unmodified clients through the gateway on a real worker, and what a terminal shows of those that are refused.
 * RUN needs runc and a base image: the node's tests have it.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeIntermediate, makeRoot } from '../../adapters/x509/authorities.ts';
import type { TlsPair } from '../../adapters/x509/signer.ts';
import { makeClientCaProfile, makeRootProfile } from '../../core/certificates/profile.ts';
import {
  canBuild,
  createBuildctl,
  createBuildx,
  startBuildkitd,
  startSlowDownload,
  type Buildkitd,
  type Client,
  type Run,
  type SlowDownload,
} from './builders.ts';
import {
  clusterFqdn,
  createCas,
  defaultPrincipal,
  leaseOf,
  makeClient,
  ownPool,
  startWorld,
  type World,
} from './world.ts';

const cas = createCas();
const nowSeconds = Math.floor(Date.now() / 1000);
const makeSlow = ({ url }: SlowDownload): string => `FROM scratch\nLABEL build=${randomUUID()}\nADD ${url} /slow\n`;
const newDockerfile = (): string => `FROM scratch\nLABEL build=${randomUUID()}\nCOPY file /file\n`;

let folder: string;
let buildkitd: Buildkitd;

beforeAll(async () => {
  if (!canBuild) return;
  folder = await mkdtemp(join(tmpdir(), 'builds-'));
  buildkitd = await startBuildkitd(cas, 'w1');
});
afterAll(async () => {
  if (!canBuild) return;
  await buildkitd[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const makers = { buildctl: createBuildctl, buildx: createBuildx } as const;
const names = Object.keys(makers) as (keyof typeof makers)[];

const createClient = async (name: keyof typeof makers, world: World, pair?: TlsPair): Promise<Client> =>
  makers[name]({ port: world.port, cas, pair, folder: await mkdtemp(join(folder, 'client-')) });

const startReady = async (options?: Parameters<typeof startWorld>[0]): Promise<World> => {
  const world = await startWorld({ cas, ...options });
  world.allocate(() => buildkitd.worker);
  return world;
};

const expectBuilt = ({ status, output }: Run): void => {
  expect(status, output).toBe(0);
};

describe.skipIf(!canBuild)('a build through the gateway (buildkitd runs as root, on Linux)', () => {
  it.each(names)('by %s ends well', async (name) => {
    await using world = await startReady();
    const client = await createClient(name, world, makeClient(cas));
    expectBuilt(await client.build(newDockerfile()));
    await expect.poll(() => world.records.map(({ ended }) => ended)).toContain('closed');
    expect(new Set(world.records.map(({ worker }) => worker))).toEqual(new Set(['w1']));
  });

  it.each(names)('by %s waits 40 s for its worker, and is built on the first try', async (name) => {
    await using world = await startWorld({ cas });
    const pair = makeClient(cas);
    const begin = performance.now();
    const pending = { status: 202, body: { lease: leaseOf(pair), reason: 'Creating', message: 'a worker is made' } };
    world.allocate(() => (performance.now() - begin < 40_000 ? pending : buildkitd.worker));
    const client = await createClient(name, world, pair);
    expectBuilt(await client.build(newDockerfile()));
    expect(performance.now() - begin).toBeGreaterThan(40_000);
    await expect.poll(() => world.records.map(({ worker }) => worker)).toContain('w1');
  });

  it('goes on while the gateway drains, and the process may end afterwards', async () => {
    await using world = await startReady();
    await using download = await startSlowDownload();
    const client = await createClient('buildctl', world, makeClient(cas));
    const building = client.build(makeSlow(download));
    await download.begun;
    world.listening.stop();
    const drained = world.gateway.drained();
    await sleep(1000);
    expect(world.gateway.openConnections()).toBe(1);
    download.finish();
    expectBuilt(await building);
    await drained;
  });

  it.each<[string, (world: World, pair: TlsPair) => void]>([
    [
      'its principal is revoked',
      (world) => {
        const before = new Date(Date.now() + 1000).toISOString();
        world.setPool({ access: { revokedPrincipals: [{ principal: defaultPrincipal, before }] } });
      },
    ],
    [
      'its lease ended',
      (world, pair) => {
        world.setRoutes({ poolUID: ownPool.uid, leases: [{ lease: leaseOf(pair), ended: 'the grant went away' }] });
      },
    ],
  ])('is cut when %s, and the build of another principal is not', async (_, change) => {
    await using world = await startReady();
    await using download = await startSlowDownload();
    await using other = await startSlowDownload();
    const pair = makeClient(cas);
    const building = (await createClient('buildctl', world, pair)).build(makeSlow(download));
    const otherClient = await createClient('buildctl', world, makeClient(cas, { principal: 'other' }));
    const otherBuilding = otherClient.build(makeSlow(other));
    await Promise.all([download.begun, other.begun]);
    change(world, pair);
    const { status, output } = await building;
    expect(status).not.toBe(0);
    expect(output).toMatch(/EOF|closing|reset|Canceled|Unavailable/);
    other.finish();
    expectBuilt(await otherBuilding);
  });

  it('goes on beside clients that never read, half-open ones, and handshakes that drip', async () => {
    await using world = await startReady();
    const sockets: Socket[] = [];
    for (let count = 0; count < 200; count++) sockets.push(connectTcp(world.port, '127.0.0.1'));
    const hello = Buffer.from('16030100c8010000c40303', 'hex');
    const dripping = Array.from({ length: 200 }, () => connectTcp(world.port, '127.0.0.1'));
    const drip = setInterval(() => {
      for (const socket of dripping) if (socket.writable) socket.write(hello.subarray(0, 1));
    }, 500);
    sockets.push(...dripping);
    for (const socket of sockets) socket.on('error', () => undefined);
    const { certificate: cert, key } = makeClient(cas, { principal: 'greedy' });
    const never: TLSSocket[] = [];
    for (let count = 0; count < 50; count++) {
      const socket = connectTls({ host: '127.0.0.1', port: world.port, cert, key, ca: cas.root.certificate });
      socket.on('error', () => undefined);
      socket.pause();
      never.push(socket);
    }
    await expect.poll(() => world.gateway.openConnections()).toBe(50);
    expectBuilt(await (await createClient('buildctl', world, makeClient(cas))).build(newDockerfile()));
    // Node reports these, and would leave them open.
    await expect.poll(() => world.ended.filter((why) => why === 'handshake').length).toBe(400);
    clearInterval(drip);
    for (const socket of [...sockets, ...never]) socket.destroy();
    await expect.poll(() => world.gateway.openConnections()).toBe(0);
  });
});

const makeForeign = (): TlsPair => {
  const root = makeRoot(makeRootProfile, nowSeconds);
  const clients = makeIntermediate(root, makeClientCaProfile, { clusterFqdn, nowSeconds });
  return makeClient({ ...cas, root, clients });
};

/** Of each: what the client shows, what the pool says, and what stands on the terminal. */
const refusals: readonly (readonly [
  string,
  () => TlsPair | undefined,
  (world: World, pair: TlsPair | undefined) => void,
  string,
])[] = [
  ['no certificate', () => undefined, () => undefined, 'no client certificate'],
  ['a leaf alone', () => makeClient(cas, { isWhole: false }), () => undefined, 'no client certificate'],
  [
    'an expired certificate',
    () => makeClient(cas, { notBefore: nowSeconds - 3600, notAfter: nowSeconds - 60 }),
    () => undefined,
    'certificate refused: it has expired',
  ],
  [
    "another pool's certificate",
    () => makeClient(cas, { pools: [{ ...ownPool, namespace: 'tenant-b' }] }),
    () => undefined,
    'certificate is not for BuildKitPool "tenant-a/pool"',
  ],
  [
    'a certificate of a pool that was made anew',
    () => makeClient(cas, { pools: [{ ...ownPool, uid: 'old' }] }),
    () => undefined,
    'BuildKitPool "tenant-a/pool" was created anew',
  ],
  [
    'a revoked certificate',
    () => makeClient(cas),
    (world) => {
      world.setPool({ access: { revokedBefore: new Date(Date.now() + 60_000).toISOString() } });
    },
    'certificate was revoked',
  ],
  [
    'an exhausted quota',
    () => makeClient(cas),
    (world) => {
      world.allocate(() => ({
        status: 429,
        body: { code: 'exhausted', detail: 'exceeded quota: compute, requested: pods=1' },
      }));
    },
    'exceeded quota: compute',
  ],
  [
    'a right that went away',
    () => makeClient(cas),
    (world) => {
      world.allocate(() => ({
        status: 403,
        body: { code: 'pool_forbidden', detail: 'not permitted to use the pool' },
      }));
    },
    'not permitted to use the pool',
  ],
];

describe.skipIf(!canBuild)('a refusal (buildctl and buildx run on Linux)', () => {
  it.each(names.flatMap((name) => refusals.map((refusal) => [name, ...refusal] as const)))(
    'is read on the terminal of %s: %s',
    async (...[name, , makePair, prepare, text]) => {
      await using world = await startReady();
      const pair = makePair();
      prepare(world, pair);
      const client = await createClient(name, world, pair);
      const { status, output } = await client.build(newDockerfile());
      expect(status).not.toBe(0);
      expect(output).toContain(text);
      expect(output).not.toContain('deadline exceeded');
    },
  );

  it.each(names)('of a foreign certificate is read on the terminal of %s', async (name) => {
    await using world = await startReady();
    const client = await createClient(name, world, makeForeign());
    const { status, output } = await client.build(newDockerfile());
    expect(status).not.toBe(0);
    expect(output).toContain("certificate refused: not issued by this cluster's client CA");
  });
});

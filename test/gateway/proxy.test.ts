/** The data path over real TLS sockets, between a client that is bytes alone and a worker that sends them back. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { randomBytes, X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TlsPair } from '../../adapters/x509/signer.ts';
import { leaseFenceMs } from '../../api/limits/gateway.ts';
import { SETTINGS } from '../../core/gateway/http2.ts';
import { parseNetwork } from '../../core/ip-address.ts';
import { startEchoWorker, type EchoWorker } from './echo-worker.ts';
import { createCas, leaseOf, makeClient, ownPool, startWorld, type World } from './world.ts';

let world: World;
let echo: EchoWorker;
const clients: TLSSocket[] = [];
const cas = createCas();
const loopback = parseNetwork('127.0.0.0/8');

beforeEach(async () => {
  world = await startWorld({ cas });
  echo = await startEchoWorker(cas, 'w1');
  world.allocate(() => echo.worker);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await echo[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const toOptions = (pair: TlsPair | undefined, { port } = world): ConnectionOptions => ({
  host: '127.0.0.1',
  port,
  ca: cas.root.certificate,
  ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.key }),
});

async function open(pair = makeClient(cas), change: ConnectionOptions = {}): Promise<TLSSocket> {
  const client = connectTls({ ...toOptions(pair), ALPNProtocols: ['h2'], ...change });
  clients.push(client);
  client.on('error', () => undefined);
  await once(client, 'secureConnect');
  return client;
}

/** Its worker has answered. */
async function openServed(pair: TlsPair): Promise<TLSSocket> {
  const client = await open(pair);
  client.write('x');
  await readBytes(client, SETTINGS.length + 1);
  return client;
}

/** Everything that came until so many bytes are there. */
async function readBytes(client: TLSSocket, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  while (length < count) {
    const [chunk] = (await once(client, 'data')) as [Buffer];
    chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks);
}

const waitUntil = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await sleep(20);
};

describe('a client that is let in', () => {
  it('is held by SETTINGS, and then talks to its worker, both ways', async () => {
    const pair = makeClient(cas);
    const client = await open(pair);
    client.write('hello');
    const bytes = await readBytes(client, SETTINGS.length + 5);
    expect(bytes.subarray(0, SETTINGS.length).equals(SETTINGS)).toBe(true);
    expect(bytes.subarray(SETTINGS.length).toString()).toBe('hello');
    const issuer = new X509Certificate(cas.clients.certificate).raw.toString('base64');
    expect(world.asked.get('/allocation/leases')).toMatchObject([{ pool: ownPool.name, issuer, open: [] }]);
    client.end();
    await waitUntil(() => world.records.length === 1);
    expect(world.records[0]).toMatchObject({
      client: '127.0.0.1',
      principal: 'system:serviceaccount:tenant-a:builder',
      lease: leaseOf(pair),
      worker: 'w1',
      bytesIn: 5,
      bytesOut: 5,
      ended: 'closed',
    });
  });

  it('gets every byte, however much there is, in both directions at once', async () => {
    const client = await open();
    await readBytes(client, SETTINGS.length);
    const sent = randomBytes(24 * 1024 * 1024);
    const reading = readBytes(client, sent.length);
    client.end(sent);
    expect((await reading).equals(sent)).toBe(true);
  });

  it('goes where its other connections and the routes lead without a question to allocation', async () => {
    const pair = makeClient(cas);
    await openServed(pair);
    world.allocate(() => ({ status: 503, body: '' }));
    world.setRoutes({ poolUID: ownPool.uid, leases: [{ lease: leaseOf(pair), worker: echo.worker }] });
    await openServed(pair);
    expect(world.asked.get('/allocation/leases')).toHaveLength(1);
  });

  it('asks allocation where the routes alone name its worker: they may be old', async () => {
    await using stranger = await startEchoWorker(cas, 'w2');
    const pair = makeClient(cas);
    world.setRoutes({ poolUID: ownPool.uid, leases: [{ lease: leaseOf(pair), worker: stranger.worker }] });
    await openServed(pair);
    expect(stranger.connections()).toBe(0);
  });

  it('waits while a worker is made, and is served as soon as the routes know it', async () => {
    const pair = makeClient(cas);
    world.allocate(() => ({
      status: 202,
      body: { lease: leaseOf(pair), reason: 'Creating', message: 'a worker is made' },
    }));
    const client = await open(pair);
    client.write('early');
    await readBytes(client, SETTINGS.length);
    await waitUntil(() => (world.asked.get('/allocation/leases')?.length ?? 0) >= 2);
    world.allocate(() => echo.worker);
    world.setRoutes({ poolUID: ownPool.uid, leases: [{ lease: leaseOf(pair), worker: echo.worker }] });
    expect((await readBytes(client, 5)).toString()).toBe('early');
  });

  it('that closes its half still gets what its worker says', async () => {
    const client = await open(makeClient(cas), { allowHalfOpen: true } as ConnectionOptions);
    client.write('x');
    await readBytes(client, SETTINGS.length + 1);
    const reading = readBytes(client, 4);
    client.end('last');
    expect((await reading).toString()).toBe('last');
    await once(client, 'end');
  });

  it('ends its worker’s connection when it goes', async () => {
    const client = await open();
    client.write('x');
    await readBytes(client, SETTINGS.length + 1);
    client.destroy();
    await waitUntil(() => echo.sockets[0]?.destroyed === true || echo.sockets[0]?.readableEnded === true);
    await waitUntil(() => world.records.length === 1);
    expect(world.gateway.openConnections()).toBe(0);
  });

  it('is counted in the reports, and its lease is renewed once when it is gone', async () => {
    const pair = makeClient(cas);
    const client = await open(pair);
    client.write('x');
    await readBytes(client, SETTINGS.length + 1);
    const reports = () => (world.asked.get('/status/reports') ?? []) as { active: number; total: number }[];
    await waitUntil(() => reports().some(({ active, total }) => active === 1 && total === 1));
    client.destroy();
    await waitUntil(() => reports().some(({ active, total }) => active === 0 && total === 1));
    await waitUntil(() => world.asked.has('/allocation/leases/renew'));
    expect(world.asked.get('/allocation/leases/renew')).toEqual([{ pool: ownPool.name, leases: [leaseOf(pair)] }]);
  });
});

describe('a worker', () => {
  it('gets nothing where another identity stands at its address', async () => {
    await using impostor = await startEchoWorker(cas, 'other');
    let hasRecovered = false;
    world.allocate(() => (hasRecovered ? echo.worker : { ...echo.worker, address: impostor.worker.address }));
    const client = await open();
    client.write('secret');
    await waitUntil(() => impostor.connections() >= 1);
    expect(impostor.received()).toBe('');
    hasRecovered = true;
    expect((await readBytes(client, SETTINGS.length + 6)).subarray(SETTINGS.length).toString()).toBe('secret');
    expect(impostor.received()).toBe('');
  });

  it('that does not read stops its client from sending, and nothing grows', async () => {
    await using stubborn = await startEchoWorker(cas, 'w2', { take: (socket) => socket.pause() });
    world.allocate(() => stubborn.worker);
    const client = await open();
    const chunk = Buffer.alloc(1024 * 1024);
    let sent = 0;
    const push = (): void => {
      client.write(chunk, () => (sent += 1));
      if (client.writableLength < 64 * 1024 * 1024) setImmediate(push);
    };
    push();
    await sleep(1500);
    expect(sent).toBeLessThan(20);
  });
});

describe('open connections', () => {
  it.each<[string, (pair: TlsPair) => void, string]>([
    [
      'the pool revokes all',
      () => {
        world.setPool({ access: { revokedBefore: new Date(Date.now() + 1000).toISOString() } });
      },
      'revoked',
    ],
    [
      'the pool revokes their principal',
      () => {
        world.setPool({
          access: {
            revokedPrincipals: [
              {
                principal: 'system:serviceaccount:tenant-a:builder',
                before: new Date(Date.now() + 1000).toISOString(),
              },
            ],
          },
        });
      },
      'revoked',
    ],
    [
      'the pool is deleted',
      () => {
        world.setPool({}, { deletionTimestamp: new Date().toISOString() });
      },
      'pool_deleted',
    ],
    [
      'the pool is gone',
      () => {
        world.gateway.setPool(undefined);
      },
      'pool_deleted',
    ],
    [
      'the routes say that their lease ended',
      (pair) => {
        world.setRoutes({ poolUID: ownPool.uid, leases: [{ lease: leaseOf(pair), ended: 'grant went away' }] });
      },
      'lease_ended',
    ],
  ])('are cut when %s', async (_, change, ended) => {
    const pair = makeClient(cas);
    const client = await open(pair);
    client.write('x');
    await readBytes(client, SETTINGS.length + 1);
    change(pair);
    await once(client, 'close');
    await waitUntil(() => world.records.length === 1);
    expect(world.records[0]?.ended).toBe(ended);
  });

  it('are cut before the lease can be over when nobody renews it, and those of a renewed lease are not', async () => {
    world.failRenewals();
    const client = await openServed(makeClient(cas));
    const closed = once(client, 'close');
    world.advance(leaseFenceMs - 10_000);
    // Its question was sent later.
    const late = await openServed(makeClient(cas));
    world.advance(10_000);
    await closed;
    await waitUntil(() => world.records.length === 1);
    expect(world.records[0]?.ended).toBe('not_renewed');
    late.write('y');
    expect((await readBytes(late, 1)).toString()).toBe('y');
  });

  it('are cut when the routes name another worker for their lease, and the next one asks', async () => {
    await using next = await startEchoWorker(cas, 'w2');
    const pair = makeClient(cas);
    const [client, other] = [await openServed(pair), await openServed(makeClient(cas))];
    const closed = once(client, 'close');
    world.setRoutes({ poolUID: ownPool.uid, leases: [{ lease: leaseOf(pair), worker: next.worker }] });
    await closed;
    await waitUntil(() => world.records.length === 1);
    expect(world.records[0]).toMatchObject({ ended: 'worker_changed', worker: 'w1' });
    world.allocate(() => next.worker);
    await openServed(pair);
    expect(world.asked.get('/allocation/leases')).toHaveLength(3);
    other.write('y');
    expect((await readBytes(other, 1)).toString()).toBe('y');
  });

  it('are cut when allocation names another worker for their lease', async () => {
    await using next = await startEchoWorker(cas, 'w2');
    const pair = makeClient(cas);
    const client = await openServed(pair);
    const closed = once(client, 'close');
    world.allocate(() => next.worker);
    const second = await openServed(pair);
    await closed;
    await waitUntil(() => world.records.length === 1);
    expect(world.records[0]).toMatchObject({ ended: 'worker_changed', worker: 'w1' });
    second.write('y');
    expect((await readBytes(second, 1)).toString()).toBe('y');
  });

  it('of one certificate are asked for one after another where the pool bounds them, so that each is counted', async () => {
    world.setPool({ workers: { scaling: { targets: { activeConnections: 1 } } } });
    const pair = makeClient(cas);
    world.allocate(({ open: counted }) => {
      const number = counted.length;
      return { lease: number === 0 ? leaseOf(pair) : `${leaseOf(pair)}-${number}`, worker: echo.worker };
    });
    await Promise.all([openServed(pair), openServed(pair), openServed(pair)]);
    const asked = world.asked.get('/allocation/leases') as { open: object[] }[];
    expect(asked.map(({ open: counted }) => counted.length)).toEqual([0, 1, 2]);
  });

  it('of others stay when a principal is revoked', async () => {
    const client = await open();
    client.write('x');
    await readBytes(client, SETTINGS.length + 1);
    world.setPool({
      access: { revokedPrincipals: [{ principal: 'somebody', before: new Date(Date.now() + 1000).toISOString() }] },
    });
    client.write('y');
    expect((await readBytes(client, 1)).toString()).toBe('y');
  });

  it('drain: no new ones are taken, and those that are there go on to their end', async () => {
    const client = await open();
    client.write('x');
    await readBytes(client, SETTINGS.length + 1);
    world.listening.stop();
    let isDrained = false;
    const drained = world.gateway.drained().then(() => (isDrained = true));
    const late = connectTcp(world.port, '127.0.0.1');
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    client.write('y');
    expect((await readBytes(client, 1)).toString()).toBe('y');
    expect(isDrained).toBe(false);
    client.end();
    await drained;
  });
});

describe('the handshake', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is %s without resumption', async (version) => {
    const client = await open(makeClient(cas), { minVersion: version, maxVersion: version });
    expect(client.getProtocol()).toBe(version);
    expect(client.getCipher().name).toMatch(/AES_?128_?GCM|AES128-GCM/);
    client.write('x');
    await readBytes(client, SETTINGS.length + 1);
    const session = client.getSession();
    if (session === undefined) throw new Error('expected a session');
    const again = await open(makeClient(cas), { session, minVersion: version, maxVersion: version });
    expect(again.isSessionReused()).toBe(false);
  });

  it('goes without ALPN, as one of two clients does', async () => {
    const client = connectTls(toOptions(makeClient(cas)));
    clients.push(client);
    await once(client, 'secureConnect');
    client.write('x');
    expect((await readBytes(client, SETTINGS.length + 1)).length).toBe(SETTINGS.length + 1);
  });

  it.each<[string, ConnectionOptions]>([
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }],
    ['another protocol', { ALPNProtocols: ['http/1.1'] }],
  ])('refuses %s', async (_, change) => {
    const client = connectTls({ ...toOptions(makeClient(cas)), ...change });
    await once(client, 'error');
    await waitUntil(() => world.ended.length === 1);
    expect(world.ended).toEqual(['handshake']);
  });

  it('without a certificate is counted, and causes no call', async () => {
    const raw = connectTcp(world.port, '127.0.0.1');
    raw.end('GET / HTTP/1.1\r\n\r\n');
    await waitUntil(() => world.ended.length === 1);
    expect(world.asked.get('/allocation/leases')).toBeUndefined();
  });
});

const header2 = Buffer.from('0d0a0d0a000d0a515549540a2111000c0a0102037f00000100150016', 'hex');

describe('a PROXY header', () => {
  const connectWith = async (port: number, header: Buffer, pieces: number): Promise<TLSSocket> => {
    const raw = connectTcp({ port, host: '127.0.0.1', noDelay: true });
    await once(raw, 'connect');
    for (let from = 0; from < header.length; from += pieces) {
      raw.write(header.subarray(from, from + pieces));
      if (pieces < header.length) await sleep(5);
    }
    const client = connectTls({ ...toOptions(makeClient(cas)), socket: raw, servername: 'localhost' });
    clients.push(client);
    client.on('error', () => undefined);
    return client;
  };

  it.each([
    ['version 1', Buffer.from('PROXY TCP4 10.1.2.3 127.0.0.1 21 22\r\n'), 1000],
    ['version 1 in pieces', Buffer.from('PROXY TCP4 10.1.2.3 127.0.0.1 21 22\r\n'), 7],
    ['version 2', header2, 1000],
    ['version 2 in pieces', header2, 3],
  ])('of a trusted proxy says where the client is: %s', async (_, header, pieces) => {
    await using trusting = await startWorld({ cas, proxies: loopback === undefined ? [] : [loopback] });
    trusting.allocate(() => echo.worker);
    const client = await connectWith(trusting.port, header, pieces);
    await once(client, 'secureConnect');
    client.write('x');
    await readBytes(client, SETTINGS.length + 1);
    client.destroy();
    await waitUntil(() => trusting.records.length === 1);
    expect(trusting.records[0]?.client).toBe('10.1.2.3');
  });

  it('is expected of a trusted proxy', async () => {
    await using trusting = await startWorld({ cas, proxies: loopback === undefined ? [] : [loopback] });
    const client = connectTls(toOptions(makeClient(cas), trusting));
    await once(client, 'error');
    expect(trusting.ended).toEqual(['proxy_header']);
  });

  it('of anybody else ends the connection', async () => {
    const client = await connectWith(world.port, header2, 1000);
    await new Promise((resolve) => client.once('close', resolve));
    expect(world.ended).toEqual(['handshake']);
  });
});

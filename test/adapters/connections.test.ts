import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { limitConnections, type ConnectionLimits } from '../../adapters/connections.ts';
import { createPartMetrics } from '../../adapters/observe/part-metrics.ts';
import { serveOperations } from '../../adapters/observe/serve-operations.ts';
import { serveHttp } from '../../adapters/serve.ts';
import { findFreePort } from '../../dev/child.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A server that answers `/` at once, and `/slow` when it is released. */
async function listen(limits: ConnectionLimits) {
  const release = Promise.withResolvers<undefined>();
  const server = createServer({ keepAliveTimeout: 60_000 });
  const { begin } = limitConnections(server, limits);
  server.on('request', (request, response) => {
    begin(request, response);
    void (request.url === '/slow' ? release.promise : Promise.resolve()).then(() => response.end('answer'));
  });
  server.listen(0);
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    release: () => {
      release.resolve(undefined);
    },
  };
}

interface Client {
  readonly socket: net.Socket;
  readonly isClosed: () => boolean;
}

/** A connection from an address of the loopback range. */
async function connect(port: number, localAddress = '127.0.0.1'): Promise<Client> {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress });
  let isClosed = false;
  socket.once('close', () => (isClosed = true));
  socket.on('error', () => undefined);
  cleanups.push(() => socket.destroy());
  await once(socket, 'connect');
  return { socket, isClosed: () => isClosed };
}

async function ask({ socket }: Client, path = '/'): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: server\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return String(answer).split('\r\n', 1).join();
}

const good = 'HTTP/1.1 200 OK';
const closing = (client: Client) => expect.poll(client.isClosed, { timeout: 30_000 }).toBe(true);

describe.runIf(process.platform === 'linux')('a server with as many connections as it may have', () => {
  it('closes the one that has been idle for the longest, and takes the new one', async () => {
    const { port } = await listen({ max: 3, maxPerAddress: 3 });
    const [first, second, third] = [await connect(port), await connect(port), await connect(port)];
    for (const client of [first, second, third]) expect(await ask(client)).toBe(good);
    expect(await ask(first)).toBe(good);
    const fourth = await connect(port);
    expect(await ask(fourth)).toBe(good);
    await closing(second);
    expect([first, third, fourth].map(({ isClosed }) => isClosed())).toEqual([false, false, false]);
  });

  it('counts a connection that never sent anything as idle since it came', async () => {
    const { port } = await listen({ max: 2, maxPerAddress: 2 });
    const silent = await connect(port);
    expect(await ask(await connect(port))).toBe(good);
    expect(await ask(await connect(port))).toBe(good);
    await closing(silent);
  });

  it('breaks off no request under way: a new connection is closed where all are busy', async () => {
    const { port, release } = await listen({ max: 2, maxPerAddress: 2 });
    const busy = [await connect(port), await connect(port)];
    const answers = busy.map((client) => ask(client, '/slow'));
    await sleep(100);
    await closing(await connect(port));
    release();
    expect(await Promise.all(answers)).toEqual([good, good]);
    expect(await ask(await connect(port))).toBe(good);
  });

  it('lets an address that holds its share close one of its own, and leaves those of others alone', async () => {
    const { port } = await listen({ max: 10, maxPerAddress: 2 });
    const other = await connect(port, '127.0.0.9');
    const [first, second, third] = [await connect(port), await connect(port), await connect(port)];
    expect(await ask(third)).toBe(good);
    await closing(first);
    expect([other, second].map(({ isClosed }) => isClosed())).toEqual([false, false]);
  });
});

const idleSockets = 10_000;
const addresses = 200;
const mostMs = 60_000;

describe.runIf(process.platform === 'linux')(`${idleSockets} idle connections from ${addresses} addresses`, () => {
  it('keep no honest request waiting, and no probe', async () => {
    const app = { fetch: () => new Response('honest') };
    const server = await serveHttp({ app, port: 0, hostname: '0.0.0.0', drainMs: 0 });
    const probePort = await findFreePort();
    const operations = await serveOperations(createPartMetrics('api'), { port: probePort, hostname: '0.0.0.0' });
    cleanups.push(server.close, operations.close);
    const holder = fork(join(import.meta.dirname, 'hold-sockets.ts'), [
      ...[server.port, probePort, idleSockets, addresses].map(String),
    ]);
    cleanups.push(() => holder.kill('SIGKILL'));
    const held = { isSaid: false };
    holder.once('message', () => (held.isSaid = true));
    const timesMs: number[] = [];
    const request = async (port: number, path: string, body: string): Promise<void> => {
      const beganMs = performance.now();
      const [answer] = (await once(get({ port, path, agent: false }), 'response')) as [IncomingMessage];
      expect([answer.statusCode, await text(answer)]).toEqual([200, body]);
      timesMs.push(performance.now() - beganMs);
    };
    const beganMs = performance.now();
    // While they come, and for as long as they are held.
    for (let after = 0; after < 20 && performance.now() - beganMs < 240_000; after += Number(held.isSaid)) {
      await Promise.all([request(server.port, '/', 'honest'), request(probePort, '/readyz', 'ok')]);
      await sleep(50);
    }
    expect(held.isSaid).toBe(true);
    console.info(`slowest of ${timesMs.length} requests and probes: ${Math.max(...timesMs).toFixed(0)} ms`);
    expect(Math.max(...timesMs)).toBeLessThan(mostMs);
  }, 300_000);
});

import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, get, type IncomingMessage } from 'node:http';
import net from 'node:net';
import { connect } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { serveHttp, serveHttps, type Serving } from '../../adapters/serve.ts';
import { openTlsFolder } from '../../adapters/tls-folder.ts';
import { tlsReloadMs } from '../../api/limits/http.ts';

const hostname = '127.0.0.1';
const hello = { fetch: () => new Response('hello') };
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

async function serve(app: Parameters<typeof serveHttp>[0]['app'], drainMs = 0): Promise<Serving> {
  const serving = await serveHttp({ app, port: 0, hostname, drainMs });
  cleanups.push(serving.close);
  return serving;
}

async function ask(port: number, path = '/', options: object = {}): Promise<IncomingMessage & { body: string }> {
  const [answer] = (await once(get({ port, hostname, path, ...options }), 'response')) as [IncomingMessage];
  return Object.assign(answer, { body: await text(answer) });
}

describe('serveHttp', () => {
  it('answers on a free port', async () => {
    const { port } = await serve(hello);
    const answer = await ask(port);
    expect([answer.statusCode, answer.body, answer.headers.connection]).toEqual([200, 'hello', 'keep-alive']);
  });

  it('takes the longest token', async () => {
    const { port } = await serve(hello);
    const headers = { authorization: `Bearer ${'x'.repeat(16 * 1024)}` };
    expect((await ask(port, '/', { headers })).statusCode).toBe(200);
  });

  it('says which port is in use', async () => {
    const { port } = await serve(hello);
    await expect(serveHttp({ app: hello, port, hostname })).rejects.toThrow(
      new Error(`cannot listen on port ${port}: it is in use`),
    );
  });
});

describe('close', () => {
  it('goes on serving, not ready and without keep-alive, before it shuts the port', async () => {
    const { port, close } = await serve(hello, 500);
    expect((await ask(port, '/readyz')).statusCode).toBe(200);
    const closed = close();
    const [probe, answer] = await Promise.all([ask(port, '/readyz'), ask(port)]);
    expect([probe.statusCode, probe.headers.connection]).toEqual([503, 'close']);
    expect([answer.statusCode, answer.headers.connection]).toEqual([200, 'close']);
    await closed;
    await expect(ask(port)).rejects.toThrow('ECONNREFUSED');
  });

  it('finishes what runs, on a connection that would have been kept', async () => {
    const arrived = Promise.withResolvers<undefined>();
    const release = Promise.withResolvers<undefined>();
    const slow = {
      fetch: async () => {
        arrived.resolve(undefined);
        await release.promise;
        return new Response('late');
      },
    };
    const { port, close } = await serve(slow);
    const answer = ask(port, '/', { agent: new Agent({ keepAlive: true }) });
    await arrived.promise;
    const closed = close();
    const isShut = () =>
      ask(port).then(
        () => false,
        (error: unknown) => String(error).includes('ECONNREFUSED'),
      );
    await expect.poll(isShut).toBe(true);
    release.resolve(undefined);
    expect((await answer).body).toBe('late');
    await closed;
  });

  it('ends a connection that never carried a request', async () => {
    const { port, close } = await serve(hello);
    const socket = net.connect(port, hostname);
    await once(socket, 'connect');
    const ended = once(socket, 'close');
    await close();
    await ended;
  });

  it('may be asked for twice', async () => {
    const { close } = await serve(hello);
    await Promise.all([close(), close()]);
  });
});

describe.runIf(process.platform === 'linux')('two servers on one port', () => {
  const share = async (port: number, name: string) =>
    await serveHttp({ app: { fetch: () => new Response(name) }, port, hostname, reusePort: true, drainMs: 500 });
  const askAnew = async (port: number) => (await ask(port, '/', { agent: new Agent() })).body;

  it('leave new connections to the other while one ends, which still answers on its own', async () => {
    const first = await share(0, 'first');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await ask(first.port, '/', { agent })).body).toBe('first');
    const second = await share(first.port, 'second');
    cleanups.push(second.close);
    const closed = first.close();
    await sleep(50);
    const others = await Promise.all(Array.from({ length: 20 }, () => askAnew(first.port)));
    expect(new Set(others)).toEqual(new Set(['second']));
    const last = await ask(first.port, '/', { agent });
    expect([last.body, last.headers.connection]).toEqual(['first', 'close']);
    await closed;
  });
});

describe('serveHttps', () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

  async function makePair(name: string, notAfter = new Date('2030-01-01')) {
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({ name: `CN=${name}`, keys, notAfter });
    const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
    return { 'tls.crt': certificate.toString('pem'), 'tls.key': x509.PemConverter.encode(key, 'PRIVATE KEY') };
  }

  const write = async (folder: string, files: Record<string, string>) => {
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  };

  /** Name in the certificate that a new connection gets. */
  async function nameAt(port: number): Promise<unknown> {
    const socket = connect({ port, host: hostname, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return subject.CN;
  }

  async function serveFolder() {
    const folder = await mkdtemp(join(tmpdir(), 'serve-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    await write(folder, await makePair('first'));
    const lines: string[] = [];
    const add = (...args: unknown[]) => void lines.push(args.at(-1) as string);
    const log = { info: add, warn: add, error: add, debug: add };
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const tls = await openTlsFolder(folder, log);
    const serving = await serveHttps({ app: hello, port: 0, hostname, drainMs: 0, tls });
    cleanups.push(serving.close);
    return { ...serving, folder, lines, tls };
  }

  it('follows the pair when it is replaced', async () => {
    const { port, folder, lines } = await serveFolder();
    expect(await nameAt(port)).toBe('first');
    await write(folder, await makePair('second'));
    vi.advanceTimersByTime(tlsReloadMs);
    await expect.poll(() => lines).toEqual(['certificate reloaded']);
    expect(await nameAt(port)).toBe('second');
  });

  it('keeps the old pair while the new one is half written', async () => {
    const { port, folder, lines } = await serveFolder();
    const { 'tls.crt': certificate, 'tls.key': key } = await makePair('second');
    await write(folder, { 'tls.crt': certificate });
    vi.advanceTimersByTime(tlsReloadMs);
    await expect.poll(() => lines).toEqual(['certificate not reloaded']);
    expect(await nameAt(port)).toBe('first');
    await write(folder, { 'tls.key': key });
    vi.advanceTimersByTime(tlsReloadMs);
    await expect.poll(() => lines).toEqual(['certificate not reloaded', 'certificate reloaded']);
    expect(await nameAt(port)).toBe('second');
  });

  it('knows how long the certificate lasts that it serves', async () => {
    const { folder, lines, tls } = await serveFolder();
    const first = tls.validity();
    const second = await makePair('second', new Date('2031-01-01'));
    await write(folder, { 'tls.crt': second['tls.crt'] });
    vi.advanceTimersByTime(tlsReloadMs);
    await expect.poll(() => lines).toEqual(['certificate not reloaded']);
    expect(tls.validity()).toEqual(first);
    await write(folder, second);
    vi.advanceTimersByTime(tlsReloadMs);
    await expect.poll(() => lines).toContain('certificate reloaded');
    expect(tls.validity().notAfter).toBe(Date.parse('2031-01-01'));
  });

  it('has nothing to serve with without a pair', async () => {
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };
    await expect(openTlsFolder('/nowhere', log)).rejects.toThrow('/nowhere/tls.');
  });
});

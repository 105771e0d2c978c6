/** A hostile issuer on loopback, and resolvers that lie. */
import { once } from 'node:events';
import type { LookupAddress } from 'node:dns';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createFetch } from '../../../adapters/oidc/fetch.ts';
import type { ResolveHost } from '../../../adapters/oidc/resolve.ts';
import { isPassing } from '../../../core/oidc/fetch-fault.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

async function serve(listener: RequestListener, address = '127.0.0.1'): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, address);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const addressOf = (address: string): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 });

/** Answers in turn, the last for ever, and how often it was asked. */
function createResolver(...answers: readonly (readonly string[])[]) {
  const asked: string[] = [];
  const resolve: ResolveHost = (hostname) => {
    asked.push(hostname);
    return Promise.resolve((answers[Math.min(asked.length, answers.length) - 1] ?? []).map(addressOf));
  };
  return { asked, resolve };
}

const fetchPrivate = (url: string, resolve?: ResolveHost) =>
  createFetch(resolve === undefined ? {} : { resolve })(new URL(url), true);
const fetchPublic = (url: string, resolve: ResolveHost) => createFetch({ resolve })(new URL(url), false);
const refused = (error: string) => ({ ok: false, error });

describe('a document', () => {
  it('is what the issuer answers, to a request that says nothing of us', async () => {
    let heard: unknown;
    const port = await serve((request, response) => {
      heard = [request.method, request.url, request.headers];
      response.end('{"a":1}');
    });
    expect(await fetchPrivate(`http://127.0.0.1:${port}/x`)).toEqual({ ok: true, value: '{"a":1}' });
    const headers = {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'buildkit-controller',
      host: `127.0.0.1:${port}`,
      connection: 'close',
    };
    expect(heard).toEqual(['GET', '/x', headers]);
  });

  it.each([301, 302, 303, 307, 308, 304])('is not looked for elsewhere: %i', async (status) => {
    let isFollowed = false;
    const target = await serve((_, response) => {
      isFollowed = true;
      response.end('{}');
    });
    const port = await serve((_, response) => {
      response.writeHead(status, { location: `http://127.0.0.1:${target}/` }).end('{}');
    });
    expect(await fetchPrivate(`http://127.0.0.1:${port}/`)).toEqual(refused('redirect'));
    expect(isFollowed).toBe(false);
  });

  it.each([201, 204, 206, 400, 404, 500, 503])('comes with 200, not %i', async (status) => {
    const port = await serve((_, response) => response.writeHead(status).end());
    expect(await fetchPrivate(`http://127.0.0.1:${port}/`)).toEqual(refused('status'));
  });

  it('does not come by another protocol', async () => {
    const port = await serve((request) => {
      request.socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n{}');
    });
    expect(await fetchPrivate(`http://127.0.0.1:${port}/`)).toEqual(refused('status'));
  });

  it('is at most 1 MiB long, whatever its length is said to be', async () => {
    const announced = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 1024 * 1024 + 1 }).write('{');
    });
    expect(await fetchPrivate(`http://127.0.0.1:${announced}/`)).toEqual(refused('too_large'));
    let sent = 0;
    const endless = await serve((request, response) => {
      const chunk = Buffer.alloc(64 * 1024, ' ');
      const more = (): void => {
        while (!request.socket.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on('drain', more);
      more();
    });
    expect(await fetchPrivate(`http://127.0.0.1:${endless}/`)).toEqual(refused('too_large'));
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  it('comes whole within 5 s, however slowly it began', async () => {
    const silent = await serve(() => undefined);
    const dripping = await serve((_, response) => {
      response.write('{');
      const drip = setInterval(() => response.write(' '), 200);
      response.once('close', () => {
        clearInterval(drip);
      });
    });
    const never: ResolveHost = () => new Promise(() => undefined);
    expect(
      await Promise.all([
        fetchPrivate(`http://127.0.0.1:${silent}/`),
        fetchPrivate(`http://127.0.0.1:${dripping}/`),
        fetchPrivate('http://nowhere.example/', never),
      ]),
    ).toEqual([refused('timeout'), refused('timeout'), refused('timeout')]);
  });

  it('does not come from who is not there, breaks off or speaks no HTTP', async () => {
    const gone = await serve(() => undefined);
    const [server] = servers.splice(0);
    server?.close();
    expect(await fetchPrivate(`http://127.0.0.1:${gone}/`)).toEqual(refused('unreachable'));
    const broken = await serve((request, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('{');
      setImmediate(() => request.socket.destroy());
    });
    expect(await fetchPrivate(`http://127.0.0.1:${broken}/`)).toEqual(refused('unreachable'));
    expect(await fetchPrivate(`https://127.0.0.1:${broken}/`)).toEqual(refused('tls'));
  });
});

describe('an address', () => {
  it.each([
    ['127.0.0.1'],
    ['10.1.2.3'],
    ['169.254.169.254'],
    ['192.168.1.1'],
    ['100.64.0.1'],
    ['0.0.0.0'],
    ['::1'],
    ['::'],
    ['::ffff:127.0.0.1'],
    ['::ffff:7f00:1'],
    ['::127.0.0.1'],
    ['64:ff9b::127.0.0.1'],
    ['64:ff9b:1::a00:1'],
    ['2002:7f00:1::1'],
    ['2001:0:1::1'],
    ['fe80::1%eth0'],
    ['fd00::1'],
    ['fec0::1'],
    ['ff02::1'],
    ['not an address'],
  ])('that is not public is not connected with: %s', async (address) => {
    const { asked, resolve } = createResolver([address]);
    expect(await fetchPublic('https://issuer.example/', resolve)).toEqual(refused('no_public_address'));
    expect(asked).toEqual(['issuer.example']);
  });

  it.each(['https://127.0.0.1/', 'https://[::ffff:10.0.0.1]/', 'https://0x7f.1/', 'https://2130706433/'])(
    'that is not public is not asked for: %s',
    async (url) => {
      const { asked, resolve } = createResolver(['8.8.8.8']);
      expect(await fetchPublic(url, resolve)).toEqual(refused('no_public_address'));
      expect(asked).toEqual([]);
    },
  );

  it('that is public does not permit another that is not', async () => {
    const { resolve } = createResolver(['8.8.8.8', '10.0.0.1']);
    expect(await fetchPublic('https://issuer.example/', resolve)).toEqual(refused('no_public_address'));
  });

  const failing = (code: string): ResolveHost => {
    return () => Promise.reject(Object.assign(new Error(code), { code }));
  };

  it.each(['ENOTFOUND', 'ENODATA', 'EBADNAME'])(
    'that does not exist is answered like one that is not public: %s',
    async (code) => {
      expect(await fetchPublic('https://issuer.example/', failing(code))).toEqual(refused('no_public_address'));
    },
  );

  it.each(['EAI_AGAIN', 'ESERVFAIL', 'ETIMEOUT', 'ECONNREFUSED', 'EREFUSED'])(
    'that can not be resolved now is retried later: %s',
    async (code) => {
      const answer = await fetchPublic('https://issuer.example/', failing(code));
      expect(answer).toEqual(refused('unreachable'));
      expect(answer.ok || isPassing(answer.error)).toBe(true);
    },
  );

  it("of a stranger's name is looked for without a thread of this process", async () => {
    const answer = createFetch({})(new URL('https://issuer.invalid/'), false);
    const lookups = process.getActiveResourcesInfo().filter((name) => name === 'GetAddrInfoReqWrap');
    expect(lookups).toEqual([]);
    expect((await answer).ok).toBe(false);
  });

  it('of a private name is found as this machine finds it', async () => {
    const port = await serve((_, response) => response.end('{}'));
    expect(await fetchPrivate(`http://localhost:${port}/`)).toEqual({ ok: true, value: '{}' });
  });

  it('is the one that was checked, though the name means another a moment later', async () => {
    const heard: string[] = [];
    const port = await serve((request, response) => {
      heard.push(request.headers.host ?? '');
      response.end('checked');
    });
    const { asked, resolve } = createResolver(['127.0.0.1'], ['127.0.0.9']);
    const answer = await fetchPrivate(`http://issuer.example:${port}/`, resolve);
    expect(answer).toEqual({ ok: true, value: 'checked' });
    expect(asked).toEqual(['issuer.example']);
    expect(heard).toEqual([`issuer.example:${port}`]);
  });
});

/** Name servers on loopback: one that answers, one that says no, one that is silent. */
import type { LookupAddress } from 'node:dns';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { createServerResolver, createSystemResolver, isLasting } from '../../../adapters/oidc/resolve.ts';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

const types = { 1: 'A', 28: 'AAAA' } as const;
type Answer = { readonly code: number; readonly records?: readonly (readonly number[])[] };

/** RFC 1035, 4.1: header, the question as it came, records that refer to its name. */
function makeAnswer(query: Buffer, { code, records = [] }: Answer): Buffer {
  const end = query.indexOf(0, 12) + 5;
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8180 | code, 2);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt32BE(0, 8);
  const type = query.subarray(end - 4, end - 2);
  const bodies = records.map((data) => Buffer.from([0xc0, 12, ...type, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]));
  return Buffer.concat([head, query.subarray(12, end), ...bodies]);
}

/** A name server by the answers to each type of question, silent where it has none. */
async function serveNames(answers: Partial<Record<'A' | 'AAAA', Answer>>) {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  sockets.push(socket);
  socket.on('message', (query, { port, address }) => {
    const type = types[query.readUInt16BE(query.indexOf(0, 12) + 1) as 1 | 28];
    asked.push(type);
    const answer = answers[type];
    if (answer !== undefined) socket.send(makeAnswer(query, answer), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { asked, resolve: createServerResolver([`127.0.0.1:${socket.address().port}`]) };
}

const soon = () => AbortSignal.timeout(5_000);
const none = { code: 0 };
const one4 = { code: 0, records: [[192, 0, 2, 1]] };
const one6 = { code: 0, records: [[0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1]] };
const fault = async (addresses: Promise<unknown>): Promise<{ code: unknown; isLasting: boolean }> => {
  const error: unknown = await addresses.catch((reason: unknown) => reason);
  return { code: (error as NodeJS.ErrnoException).code, isLasting: isLasting(error) };
};

describe('name servers', () => {
  it('are asked for addresses of both families', async () => {
    const { resolve, asked } = await serveNames({ A: one4, AAAA: one6 });
    expect(await resolve('issuer.example', soon())).toEqual([
      { address: '192.0.2.1', family: 4 },
      { address: '2001:db8::1', family: 6 },
    ]);
    expect(asked.toSorted()).toEqual(['A', 'AAAA']);
  });

  it.each<[string, Partial<Record<'A' | 'AAAA', Answer>>, string[]]>([
    ['IPv4', { A: one4, AAAA: none }, ['192.0.2.1']],
    ['IPv6', { A: none, AAAA: one6 }, ['2001:db8::1']],
  ])('may know %s alone', async (_, answers, addresses) => {
    const { resolve } = await serveNames(answers);
    expect((await resolve('issuer.example', soon())).map(({ address }) => address)).toEqual(addresses);
  });

  it.each<[string, readonly [Answer, Answer], string, boolean]>([
    ['the name is not there', [{ code: 3 }, { code: 3 }], 'ENOTFOUND', true],
    ['it has no address', [none, none], 'ENODATA', true],
    ['they fail', [{ code: 2 }, { code: 2 }], 'ESERVFAIL', false],
    ['they fail for one family', [none, { code: 2 }], 'ESERVFAIL', false],
    ['they refuse', [{ code: 5 }, { code: 5 }], 'EREFUSED', false],
  ])('say that %s', async (_, [A, AAAA], code, lasts) => {
    const { resolve } = await serveNames({ A, AAAA });
    expect(await fault(resolve('issuer.example', soon()))).toEqual({ code, isLasting: lasts });
  });

  it('that are silent are given up when nobody waits', async () => {
    const { resolve, asked } = await serveNames({});
    const waiting = new AbortController();
    const resolving = resolve('issuer.example', waiting.signal);
    await expect.poll(() => asked.length).toBe(2);
    waiting.abort();
    expect(await fault(resolving)).toEqual({ code: 'ECANCELLED', isLasting: false });
    expect(process.getActiveResourcesInfo()).not.toContain('QueryReqWrap');
  });
});

describe('lookups by the system', () => {
  const hanging = () => {
    const ends: (() => void)[] = [];
    const begun: string[] = [];
    const resolve = createSystemResolver(async (hostname) => {
      begun.push(hostname);
      await new Promise<void>((end) => ends.push(end));
      return [] as readonly LookupAddress[];
    });
    return { resolve, ends, begun };
  };

  it('are two at once, and others wait for their turn', async () => {
    const { resolve, ends, begun } = hanging();
    const all = ['a', 'b', 'c'].map((name) => resolve(name, soon()));
    await expect.poll(() => begun).toEqual(['a', 'b']);
    ends.shift()?.();
    await all[0];
    await expect.poll(() => begun).toEqual(['a', 'b', 'c']);
    for (const end of ends.splice(0)) end();
    expect(await Promise.all(all)).toEqual([[], [], []]);
    void resolve('d', soon());
    await expect.poll(() => begun.at(-1)).toBe('d');
  });

  it('are not begun for whom nobody waits any more', async () => {
    const { resolve, ends, begun } = hanging();
    void resolve('a', soon());
    void resolve('b', soon());
    const late = resolve('late', AbortSignal.abort());
    const next = resolve('next', soon());
    await expect.poll(() => ends.length).toBe(2);
    for (const end of ends.splice(0)) end();
    await expect(late).rejects.toThrow('aborted');
    await expect.poll(() => begun).toEqual(['a', 'b', 'next']);
    for (const end of ends.splice(0)) end();
    expect(await next).toEqual([]);
  });
});

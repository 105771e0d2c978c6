import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameReader, makeStatus, PING, SETTINGS, SETTINGS_ACK } from '../../../core/gateway/http2.ts';

const preface = new TextEncoder().encode('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const frame = (type: number, stream: number, payload: Uint8Array): Uint8Array =>
  Uint8Array.from([
    payload.length >> 16,
    (payload.length >> 8) & 0xff,
    payload.length & 0xff,
    type,
    4,
    (stream >>> 24) & 0xff,
    (stream >>> 16) & 0xff,
    (stream >>> 8) & 0xff,
    stream & 0xff,
    ...payload,
  ]);

const frames = fc.array(
  fc.record({
    type: fc.constantFrom(0, 1, 4, 6, 8),
    stream: fc.integer({ min: 1, max: 0x7fffffff }),
    payload: fc.uint8Array({ maxLength: 300 }),
  }),
  { maxLength: 12 },
);

describe('the reader of what a client sends', () => {
  it('finds the streams that are opened, however the bytes are cut', () => {
    fc.assert(
      fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (list, sizes) => {
        const all = list.map(({ type, stream, payload }) => [...frame(type, stream, payload)]);
        const bytes = Uint8Array.from([...preface, ...all.flat()]);
        const reader = createFrameReader();
        const found: number[] = [];
        for (let from = 0; from < bytes.length;) {
          const size = sizes.next().value as number;
          found.push(...(reader.read(bytes.subarray(from, from + size)) ?? [NaN]));
          from += size;
        }
        expect(found).toEqual(list.filter(({ type }) => type === 1).map(({ stream }) => stream));
      }),
    );
  });

  it.each([
    ['what is not HTTP/2', new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n')],
    ['a frame above the limit', Uint8Array.from([...preface, 0, 0x40, 1, 0, 0, 0, 0, 0, 1])],
  ])('gives up %s, for good', (_, bytes) => {
    const reader = createFrameReader();
    expect(reader.read(bytes)).toBeUndefined();
    expect(reader.read(preface)).toBeUndefined();
  });

  it('does not stumble over any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (chunks) => {
        const reader = createFrameReader();
        reader.read(preface);
        for (const chunk of chunks) reader.read(chunk);
      }),
    );
  });
});

/** What Node's HTTP/2 client makes of an answer. */
async function readAnswer(message: string): Promise<Record<string, string | number>> {
  const server = createTcpServer((socket) => {
    const reader = createFrameReader();
    socket.write(SETTINGS);
    socket.write(PING);
    socket.on('data', (bytes: Buffer) => {
      for (const stream of reader.read(bytes) ?? []) {
        socket.write(SETTINGS_ACK);
        socket.write(makeStatus(stream, { code: 7, message }));
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session: ClientHttp2Session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    const stream = session.request({ ':method': 'POST', ':path': '/a.B/C', 'content-type': 'application/grpc' });
    const [headers] = (await once(stream, 'response')) as [Record<string, string | number>];
    return headers;
  } finally {
    session.destroy();
    server.close();
  }
}

describe('a status', () => {
  it('is read by an HTTP/2 client, whatever its text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 300 }), async (message) => {
        const headers = await readAnswer(message);
        expect(headers).toMatchObject({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '7' });
        const text = decodeURIComponent(String(headers['grpc-message'] ?? ''));
        expect(message.toWellFormed().startsWith(text.slice(0, 100))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('is cut where its text is too long to be shown', async () => {
    const headers = await readAnswer('x'.repeat(5000));
    expect(headers['grpc-message']).toBe('x'.repeat(1024));
  });
});

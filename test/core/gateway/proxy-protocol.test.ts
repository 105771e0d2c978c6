import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxProxyHeaderBytes } from '../../../api/limits/gateway.ts';
import { parseProxyHeader } from '../../../core/gateway/proxy-protocol.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const version2 = (command: number, family: number, block: readonly number[]): Uint8Array =>
  Uint8Array.from([...signature, command, family, block.length >> 8, block.length & 0xff, ...block]);

const port = fc.nat({ max: 0xffff });
const block4 = fc.tuple(fc.ipV4(), port).map(([address, number]) => ({
  source: { address, port: number },
  block: [...address.split('.').map(Number), 10, 0, 0, 1, number >> 8, number & 0xff, 4, 0xd3],
}));

/** Headers as the specification has them, with what they say. */
const header = fc.oneof(
  fc.tuple(fc.ipV4(), port).map(([address, number]) => ({
    bytes: encode(`PROXY TCP4 ${address} 10.0.0.1 ${number} 1235\r\n`),
    source: { address, port: number },
  })),
  fc.tuple(fc.ipV6(), port).map(([address, number]) => ({
    bytes: encode(`PROXY TCP6 ${address} 2001:db8::1 ${number} 1235\r\n`),
    source: { address, port: number },
  })),
  fc.constant({ bytes: encode('PROXY UNKNOWN\r\n'), source: undefined }),
  fc.constant({ bytes: encode('PROXY UNKNOWN ff:: ff:: 1 2\r\n'), source: undefined }),
  block4.map(({ source, block }) => ({ bytes: version2(0x21, 0x11, block), source })),
  fc
    .tuple(block4, fc.array(fc.nat({ max: 255 }), { maxLength: 400 }))
    .map(([{ source, block }, tlv]) => ({ bytes: version2(0x21, 0x11, [...block, ...tlv]), source })),
  fc.constant({
    bytes: version2(0x21, 0x21, [...Array<number>(15).fill(0), 1, ...Array<number>(16).fill(2), 0, 9, 0, 10]),
    source: { address: '0:0:0:0:0:0:0:1', port: 9 },
  }),
  fc.constant({ bytes: version2(0x20, 0x00, []), source: undefined }),
  fc.constant({ bytes: version2(0x21, 0x00, [1, 2, 3]), source: undefined }),
);

describe('a PROXY header', () => {
  it('says where a connection comes from, and where the bytes of the client begin', () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 50 }), ({ bytes, source }, rest) => {
        const expected = { kind: 'whole', length: bytes.length, ...(source === undefined ? {} : { source }) };
        expect(parseProxyHeader(Uint8Array.from([...bytes, ...rest]))).toEqual(expected);
      }),
    );
  });

  it('is waited for as long as it is not whole', () => {
    fc.assert(
      fc.property(header, fc.nat(), ({ bytes }, cut) => {
        expect(parseProxyHeader(bytes.subarray(0, cut % bytes.length))).toEqual({ kind: 'partial' });
      }),
    );
  });

  it('is judged within its bound, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: maxProxyHeaderBytes, maxLength: 600 }), (bytes) => {
        expect(parseProxyHeader(bytes).kind).not.toBe('partial');
      }),
    );
    const long = encode(`PROXY TCP4 ${'1'.repeat(200)}`);
    expect(parseProxyHeader(long)).toEqual({ kind: 'malformed' });
  });

  it.each([
    ['a ClientHello', Uint8Array.of(0x16, 3, 1, 2, 0)],
    ['a family that is none', encode('PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n')],
    ['an IPv6 address under TCP4', encode('PROXY TCP4 ::1 1.2.3.4 1 2\r\n')],
    ['a port above 65535', encode('PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n')],
    ['a port with a leading zero', encode('PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n')],
    ['a word more', encode('PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n')],
    ['a line without CR', encode('PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n')],
    ['another version', version2(0x31, 0x11, [])],
    ['an unknown command', version2(0x22, 0x11, [])],
    ['a block that is too short', version2(0x21, 0x11, [1, 2, 3, 4])],
    ['UDP', version2(0x21, 0x12, Array<number>(12).fill(1))],
    ['more than any proxy sends', version2(0x21, 0x11, Array<number>(600).fill(1))],
  ])('refuses %s', (_, bytes) => {
    expect(parseProxyHeader(bytes)).toEqual({ kind: 'malformed' });
  });
});

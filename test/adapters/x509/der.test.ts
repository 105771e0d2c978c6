import * as asn1js from 'asn1js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as der from '../../der.ts';
import { toBytes } from '../../der.ts';
import {
  DerError,
  readElement,
  readInteger,
  readNamedBits,
  readObjectIdentifier,
  readTime,
} from '../../../adapters/x509/der-reader.ts';

/** A parser that is not ours. */
function parse(bytes: Uint8Array): asn1js.AsnType {
  const { offset, result } = asn1js.fromBER(Uint8Array.from(bytes).buffer);
  expect(offset).toBe(bytes.length);
  return result;
}

const bytes = fc.uint8Array({ maxLength: 400 });

describe('DER', () => {
  it('holds octets of any length', () => {
    fc.assert(
      fc.property(bytes, (content) => {
        const parsed = parse(toBytes(der.octetString(content))) as asn1js.OctetString;
        expect(new Uint8Array(parsed.valueBlock.valueHexView)).toEqual(content);
        expect(readElement(toBytes(der.octetString(content))).content).toEqual(content);
      }),
    );
  });

  it.each([0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000])('holds %i octets', (length) => {
    expect(parse(toBytes(der.octetString(new Uint8Array(length)))).valueBlock.blockLength).toBe(length);
    expect(readElement(toBytes(der.octetString(new Uint8Array(length)))).content.length).toBe(length);
  });

  it('keeps whole numbers of any size positive and short', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 160n }), (value) => {
        const hex = value.toString(16);
        const octets = Uint8Array.fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
        const encoded = toBytes(der.integer(octets));
        expect((parse(encoded) as asn1js.Integer).toBigInt()).toBe(value);
        expect(BigInt(`0x${readInteger(readElement(encoded)).toHex()}`)).toBe(value);
        expect(toBytes(der.integer(Uint8Array.of(0, 0, ...octets)))).toEqual(encoded);
      }),
    );
    expect(toBytes(der.integer(300)).toHex()).toBe('0202012c');
    expect(toBytes(der.integer(0)).toHex()).toBe('020100');
  });

  it('names objects', () => {
    const arc = fc.nat(2 ** 31 - 1);
    const dotted = fc.tuple(fc.nat(1), fc.nat(39), fc.array(arc, { minLength: 1, maxLength: 8 }));
    fc.assert(
      fc.property(dotted, ([first, second, rest]) => {
        const name = [first, second, ...rest].join('.');
        const encoded = toBytes(der.objectIdentifier(name));
        expect((parse(encoded) as asn1js.ObjectIdentifier).getValue()).toBe(name);
        expect(readObjectIdentifier(readElement(encoded))).toBe(name);
      }),
    );
    expect(readObjectIdentifier(readElement(toBytes(der.objectIdentifier('2.5.29.17'))))).toBe('2.5.29.17');
  });

  it('holds text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (text) => {
        expect(parse(toBytes(der.utf8String(text))).valueBlock).toMatchObject({ value: text });
      }),
    );
  });

  it('sets the named bits and no others', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(8), { maxLength: 9 }), (positions) => {
        expect(readNamedBits(readElement(toBytes(der.namedBits(positions))))).toEqual(
          positions.toSorted((a, b) => a - b),
        );
      }),
    );
    expect(toBytes(der.namedBits([0])).toHex()).toBe('03020780');
    expect(toBytes(der.namedBits([5, 6])).toHex()).toBe('03020106');
  });

  it('tells the second, before and after 2050', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
        const encoded = toBytes(der.time(seconds));
        expect((parse(encoded) as asn1js.UTCTime).toDate().getTime()).toBe(seconds * 1000);
        expect(readTime(readElement(encoded))).toBe(seconds);
      }),
    );
    expect(toBytes(der.time(Date.UTC(2050, 0, 1) / 1000 - 1))[0]).toBe(der.TAG.utcTime);
    expect(toBytes(der.time(Date.UTC(2050, 0, 1) / 1000))[0]).toBe(der.TAG.generalizedTime);
  });
});

describe('the reader refuses', () => {
  it.each([
    ['nothing', '', 'expected a value, got the end'],
    ['a tag alone', '04', 'expected a value, got the end'],
    ['a tag of two bytes', '1f8100', 'expected a tag of one byte'],
    ['the indefinite length', '3080', 'expected a definite length of at most 4 octets'],
    ['a length of five octets', '30850000000001', 'expected a definite length of at most 4 octets'],
    ['a long length that fits the short one', '30810100', 'expected the shortest length'],
    ['a length with a leading zero', `30820080${'00'.repeat(128)}`, 'expected the shortest length'],
    ['a length that breaks off', '3082', 'expected a length, got the end'],
    ['content that breaks off', '040201', 'expected 2 bytes, got the end'],
    ['bytes after the value', '04000400', 'expected one value, got bytes after it'],
  ])('%s', (_, hex, message) => {
    expect(() => readElement(Uint8Array.fromHex(hex))).toThrow(new DerError(message));
  });

  it.each([
    ['a negative number', '020180', 'expected a number that is not negative'],
    ['a number with a leading zero', '02020001', 'expected the shortest number'],
    ['no number', '0200', 'expected a number that is not negative'],
    ['another type', '0400', 'expected tag 0x02, got 0x04'],
  ])('%s', (_, hex, message) => {
    expect(() => readInteger(readElement(Uint8Array.fromHex(hex)))).toThrow(new DerError(message));
  });

  it('anything else only with an error of its own', () => {
    fc.assert(
      fc.property(bytes, (content) => {
        try {
          readElement(content);
        } catch (error) {
          expect((error as Error).name).toBe('DerError');
        }
      }),
    );
  });
});

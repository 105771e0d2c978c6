/**
 * Writes ASN.1 DER (X.690) by hand, so that tests can make what no library would write. A value knows its length and is
 * written once, by `toBytes`, together with all that it stands in.
 */
import { TAG } from '../adapters/x509/der-reader.ts';

export { constructed, primitive, TAG } from '../adapters/x509/der-reader.ts';

/** One value; bytes among its parts are content, or values that are written already. */
export interface Value {
  readonly tag: number;
  readonly parts: readonly (Value | Uint8Array)[];
  readonly contentLength: number;
  /** With tag and length. */
  readonly length: number;
}

export function encode(tag: number, ...parts: readonly (Value | Uint8Array)[]): Value {
  let contentLength = 0;
  for (const part of parts) contentLength += part.length;
  return { tag, parts, contentLength, length: 1 + countLengthOctets(contentLength) + contentLength };
}

export function toBytes(value: Value): Uint8Array {
  const bytes = new Uint8Array(value.length);
  write(value, bytes, 0);
  return bytes;
}

/** @returns where the next value begins. */
function write({ tag, parts, contentLength }: Value, bytes: Uint8Array, start: number): number {
  bytes[start] = tag;
  let offset = writeLength(contentLength, bytes, start + 1);
  for (const part of parts) {
    if (part instanceof Uint8Array) {
      bytes.set(part, offset);
      offset += part.length;
    } else offset = write(part, bytes, offset);
  }
  return offset;
}

/** X.690 8.1.3: from 128 on, the count of octets and the octets. */
const countLengthOctets = (length: number): number => (length < 0x80 ? 1 : 1 + countOctets(length));

function writeLength(length: number, bytes: Uint8Array, offset: number): number {
  const count = length < 0x80 ? 0 : countOctets(length);
  bytes[offset] = count === 0 ? length : 0x80 | count;
  for (let rest = length, index = count; index > 0; index -= 1) {
    bytes[offset + index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return offset + 1 + count;
}

function countOctets(value: number): number {
  let count = 1;
  for (let rest = value; rest > 0xff; rest = Math.floor(rest / 256)) count += 1;
  return count;
}

export const sequence = (...parts: readonly (Value | Uint8Array)[]): Value => encode(TAG.sequence, ...parts);
export const set = (...parts: readonly (Value | Uint8Array)[]): Value => encode(TAG.set, ...parts);
export const boolean = (value: boolean): Value => encode(TAG.boolean, Uint8Array.of(value ? 0xff : 0));
export const octetString = (content: Value | Uint8Array): Value => encode(TAG.octetString, content);
export const utf8String = (text: string): Value => encode(TAG.utf8String, utf8.encode(text));

const utf8 = new TextEncoder();

/** A number that is not negative, as a number or as big-endian octets. */
export function integer(value: number | Uint8Array): Value {
  const octets = typeof value === 'number' ? toOctets(value) : value;
  const first = octets.findIndex((octet) => octet !== 0);
  if (first === -1) return encode(TAG.integer, Uint8Array.of(0));
  const least = octets.subarray(first);
  // A first bit of 1 would mean a negative number.
  return (least[0] ?? 0) & 0x80 ? encode(TAG.integer, Uint8Array.of(0), least) : encode(TAG.integer, least);
}

function toOctets(value: number): Uint8Array {
  const octets = new Uint8Array(countOctets(value));
  for (let rest = value, index = octets.length - 1; index >= 0; index -= 1) {
    octets[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return octets;
}

const noUnusedBits = Uint8Array.of(0);

export const bitString = (content: Uint8Array): Value => encode(TAG.bitString, noUnusedBits, content);

/** BIT STRING whose bits have names: trailing zero bits are left out (X.690, 11.2.2). */
export function namedBits(positions: readonly number[]): Value {
  if (positions.length === 0) return encode(TAG.bitString, Uint8Array.of(0));
  const last = Math.max(...positions);
  const octets = new Uint8Array(Math.floor(last / 8) + 1);
  for (const position of positions) {
    const index = Math.floor(position / 8);
    octets[index] = (octets[index] ?? 0) | (0x80 >> (position % 8));
  }
  return encode(TAG.bitString, Uint8Array.of(7 - (last % 8)), octets);
}

/** Dotted decimal to OBJECT IDENTIFIER (X.690, 8.19). */
export function objectIdentifier(dotted: string): Value {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return encode(TAG.objectIdentifier, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const octets = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) octets.unshift(0x80 | (rest % 128));
  return octets;
}

/** Seconds since the epoch as Time: UTCTime through 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5). */
export function time(seconds: number): Value {
  const iso = new Date(seconds * 1000).toISOString(); // 2026-11-23T15:24:27.000Z
  const digits = `${iso.slice(2, 4)}${iso.slice(5, 7)}${iso.slice(8, 10)}${iso.slice(11, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`;
  return iso < '2050'
    ? encode(TAG.utcTime, utf8.encode(digits))
    : encode(TAG.generalizedTime, utf8.encode(iso.slice(0, 2) + digits));
}

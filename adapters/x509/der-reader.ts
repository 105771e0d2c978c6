/** Reads DER strictly: what a decoder would have to be lenient about is refused. */
import { TAG } from './der.ts';

export interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content. */
  readonly encoded: Uint8Array;
}

/** Expected failure of this module: bytes that are not the DER they should be. */
export class DerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DerError';
  }
}

/** The one value that these bytes are. */
export function readElement(bytes: Uint8Array): Element {
  const element = readFirst(bytes);
  if (element.encoded.length !== bytes.length) throw new DerError('expected one value, got bytes after it');
  return element;
}

/** The values inside a constructed one. */
export function readElements(content: Uint8Array): Element[] {
  const elements: Element[] = [];
  for (let rest = content; rest.length > 0;) {
    const element = readFirst(rest);
    elements.push(element);
    rest = rest.subarray(element.encoded.length);
  }
  return elements;
}

/** The values inside this one, which must have that tag. */
export const readInside = (element: Element | undefined, tag: number): Element[] =>
  readElements(expectTag(element, tag).content);

export function expectTag(element: Element | undefined, tag: number): Element {
  if (element?.tag === tag) return element;
  throw new DerError(`expected tag ${hex(tag)}, got ${element === undefined ? 'nothing' : hex(element.tag)}`);
}

const hex = (tag: number): string => `0x${tag.toString(16).padStart(2, '0')}`;

function readFirst(bytes: Uint8Array): Element {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) throw new DerError('expected a value, got the end');
  if ((tag & 0x1f) === 0x1f) throw new DerError('expected a tag of one byte');
  const { length, octets } = readLength(bytes, first);
  const start = 2 + octets;
  if (bytes.length < start + length) throw new DerError(`expected ${length} bytes, got the end`);
  return { tag, content: bytes.subarray(start, start + length), encoded: bytes.subarray(0, start + length) };
}

function readLength(bytes: Uint8Array, first: number): { length: number; octets: number } {
  if (first < 0x80) return { length: first, octets: 0 };
  const octets = first & 0x7f;
  // Four octets are 4 GiB, far beyond any certificate.
  if (octets === 0 || octets > 4) throw new DerError('expected a definite length of at most 4 octets');
  if (bytes.length < 2 + octets) throw new DerError('expected a length, got the end');
  const length = bytes.subarray(2, 2 + octets).reduce((sum, octet) => sum * 256 + octet, 0);
  if (length < 0x80 || length < 256 ** (octets - 1)) throw new DerError('expected the shortest length');
  return { length, octets };
}

/** Octets of a positive INTEGER, without the sign octet. */
export function readInteger(element: Element | undefined): Uint8Array {
  const { content } = expectTag(element, TAG.integer);
  const [first, second] = content;
  if (first === undefined || first >= 0x80) throw new DerError('expected a number that is not negative');
  if (first !== 0 || second === undefined) return content;
  if (second < 0x80) throw new DerError('expected the shortest number');
  return content.subarray(1);
}

/** Positions of the bits that are set. */
export function readNamedBits(element: Element | undefined): number[] {
  const [unused = 0, ...octets] = expectTag(element, TAG.bitString).content;
  if (unused > 7) throw new DerError('expected at most 7 unused bits');
  return octets.flatMap((octet, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => octet & (0x80 >> bit)).map((bit) => index * 8 + bit),
  );
}

/** Content of a BIT STRING of whole octets. */
export function readBitString(element: Element | undefined): Uint8Array {
  const { content } = expectTag(element, TAG.bitString);
  if (content[0] !== 0) throw new DerError('expected whole octets');
  return content.subarray(1);
}

/** OBJECT IDENTIFIER in dotted decimal. */
export function readObjectIdentifier(element: Element | undefined): string {
  const numbers: number[] = [];
  let value = 0;
  for (const octet of expectTag(element, TAG.objectIdentifier).content) {
    value = value * 128 + (octet & 0x7f);
    if (octet & 0x80) continue;
    numbers.push(value);
    value = 0;
  }
  const [root = 0, ...rest] = numbers;
  const first = Math.min(Math.floor(root / 40), 2);
  return [first, root - first * 40, ...rest].join('.');
}

/** Seconds since the epoch. */
export function readTime(element: Element | undefined): number {
  const text = ascii.decode(element?.content);
  const digits = element?.tag === TAG.utcTime ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits) ?? [];
  if (year === undefined) throw new DerError(`expected a time, got ${JSON.stringify(text)}`);
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) / 1000;
}

const ascii = new TextDecoder('latin1');

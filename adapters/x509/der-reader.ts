/** Reads DER strictly: what a decoder would have to be lenient about is refused. */

/** Tag bytes that stand in a certificate (RFC 5280, appendix A). */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Context-specific tags: `primitive(6)` is `[6] IMPLICIT` of a primitive type, `constructed(0)` is `[0] EXPLICIT`. */
export const primitive = (number: number): number => 0x80 | number;
export const constructed = (number: number): number => 0xa0 | number;

/** One value among bytes: its views are made when they are asked for, since most values are only walked through. */
export class Element {
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;

  constructor(bytes: Uint8Array, start: number, contentStart: number, end: number) {
    this.tag = bytes[start] ?? 0;
    this.bytes = bytes;
    this.start = start;
    this.contentStart = contentStart;
    this.end = end;
  }

  get content(): Uint8Array {
    return this.bytes.subarray(this.contentStart, this.end);
  }

  /** Tag, length and content. */
  get encoded(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }
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
  const element = readAt(bytes, 0, bytes.length);
  if (element.end !== bytes.length) throw new DerError('expected one value, got bytes after it');
  return element;
}

/** The values inside this one, which must have that tag. */
export function readInside(element: Element | undefined, tag: number): Element[] {
  const { bytes, contentStart, end } = expectTag(element, tag);
  const elements: Element[] = [];
  for (let start = contentStart; start < end;) {
    const inner = readAt(bytes, start, end);
    elements.push(inner);
    start = inner.end;
  }
  return elements;
}

/** The values inside a SET OF with that tag, which stand in the order of their bytes (X.690, 11.6). */
export function readSet(element: Element | undefined, tag: number): Element[] {
  const elements = readInside(element, tag);
  const spelled = elements.map(({ encoded }) => encoded.toHex());
  if (spelled.some((text, index) => index > 0 && text < (spelled[index - 1] ?? ''))) {
    throw new DerError('expected a set in order');
  }
  return elements;
}

export interface Extension {
  /** Dotted decimal. */
  readonly id: string;
  readonly isCritical: boolean;
  /** DER of what the octets of `extnValue` hold. */
  readonly value: Uint8Array;
}

/** Extension (RFC 5280, 4.1). */
export function readExtension(element: Element): Extension {
  const parts = readInside(element, TAG.sequence);
  const [id, second, third, ...more] = parts;
  const isCritical = second?.tag === TAG.boolean;
  // FALSE is what stands when nothing does, so DER leaves it out (X.690, 11.5).
  if (isCritical && second.content.toHex() !== 'ff') throw new DerError('expected TRUE, or nothing');
  const value = isCritical ? third : second;
  if (more.length > 0 || (!isCritical && third !== undefined)) throw new DerError('expected no further field, got one');
  return { id: readObjectIdentifier(id), isCritical, value: expectTag(value, TAG.octetString).content };
}

export function expectTag(element: Element | undefined, tag: number): Element {
  if (element?.tag === tag) return element;
  throw new DerError(`expected tag ${hex(tag)}, got ${element === undefined ? 'nothing' : hex(element.tag)}`);
}

const hex = (tag: number): string => `0x${tag.toString(16).padStart(2, '0')}`;

/** The value that begins at `start`, all of which lies before `limit`. */
function readAt(bytes: Uint8Array, start: number, limit: number): Element {
  if (start + 2 > limit) throw new DerError('expected a value, got the end');
  const [tag, first] = [bytes[start] ?? 0, bytes[start + 1] ?? 0];
  if ((tag & 0x1f) === 0x1f) throw new DerError('expected a tag of one byte');
  const isShort = first < 0x80;
  const octets = isShort ? 0 : first & 0x7f;
  const length = isShort ? first : readLength(bytes, start + 2, { octets, limit });
  const contentStart = start + 2 + octets;
  if (contentStart + length > limit) throw new DerError(`expected ${length} bytes, got the end`);
  return new Element(bytes, start, contentStart, contentStart + length);
}

/** The long form: so many octets from `start` on. */
function readLength(bytes: Uint8Array, start: number, { octets, limit }: { octets: number; limit: number }): number {
  // Four octets are 4 GiB, far beyond any certificate.
  if (octets === 0 || octets > 4) throw new DerError('expected a definite length of at most 4 octets');
  if (start + octets > limit) throw new DerError('expected a length, got the end');
  let length = 0;
  for (let index = start; index < start + octets; index += 1) length = length * 256 + (bytes[index] ?? 0);
  if (length < 0x80 || length < 256 ** (octets - 1)) throw new DerError('expected the shortest length');
  return length;
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
  const { content } = expectTag(element, TAG.objectIdentifier);
  if (content.length === 0 || (content.at(-1) ?? 0) & 0x80) throw new DerError('expected a whole identifier');
  let value = 0;
  let isFirst = true;
  for (const octet of content) {
    if (isFirst && octet === 0x80) throw new DerError('expected the shortest identifier');
    value = value * 128 + (octet & 0x7f);
    isFirst = (octet & 0x80) === 0;
    if (!isFirst) continue;
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

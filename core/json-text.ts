/**
 * JSON as strangers write it, read as it is written. No I/O.
 *
 * V8 takes a key that is written with an escape for another one, when that one was seen before and begins as the first
 * is written: after `{"a\\":0}`, `{"a\n":0}` has the key `a\` (https://github.com/nodejs/node/issues/63785). So one
 * object could change what is read of somebody else's, in the whole process. Texts are spared it here: such keys are
 * replaced by plain ones while they are parsed.
 */
import { isJsonObject } from './json.ts';

/** @throws {SyntaxError} as `JSON.parse`; RangeError where keys have escapes and the nesting is too deep. */
export function parseJson(text: string): unknown {
  const keys = listEscapedKeys(text);
  if (keys.length === 0) return JSON.parse(text);
  const literals = keys.map(({ start, end }) => JSON.stringify(JSON.parse(text.slice(start, end))));
  const prefix = findUnused(text + literals.join(''));
  const names = new Map<string, string>();
  const pieces: string[] = [];
  let from = 0;
  for (const [index, { start, end }] of keys.entries()) {
    const literal = literals[index] ?? '';
    const name = `${prefix}${index}`;
    // What needs no escape is written without: it may stand there in that way as well, and the last one counts.
    const isPlain = !literal.includes('\\');
    if (!isPlain) names.set(name, JSON.parse(literal) as string);
    pieces.push(text.slice(from, start), isPlain ? literal : `"${name}"`);
    from = end;
  }
  const plain = pieces.join('') + text.slice(from);
  return JSON.parse(plain, (_key, value: unknown) => (isJsonObject(value) ? rename(value, names) : value));
}

/** Undefined for what is no JSON. */
export function readJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function rename(object: object, names: ReadonlyMap<string, string>): object {
  const members = Object.entries(object);
  if (!members.some(([key]) => names.has(key))) return object;
  return Object.fromEntries(members.map(([key, value]) => [names.get(key) ?? key, value] as const));
}

interface Literal {
  /** Of its quote. */
  readonly start: number;
  /** After its other quote. */
  readonly end: number;
}

/** In a text that is no JSON, what looks like keys: it is refused afterwards all the same. */
function listEscapedKeys(text: string): readonly Literal[] {
  const keys: Literal[] = [];
  let escape = text.indexOf('\\');
  while (escape >= 0) {
    const end = findEnd(text, escape);
    if (isKey(text, end)) keys.push({ start: text.lastIndexOf('"', escape), end });
    escape = text.indexOf('\\', end);
  }
  return keys;
}

/** The end of the string that the escape stands in. */
function findEnd(text: string, escape: number): number {
  let at = escape;
  while (at < text.length && text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at + 1;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (spaces.includes(text.charCodeAt(at))) at++;
  return text.charCodeAt(at) === colon;
}

const [quote, backslash, colon] = [0x22, 0x5c, 0x3a];
const spaces = [0x20, 0x09, 0x0a, 0x0d];

/** What no string of the text begins with. */
function findUnused(text: string): string {
  let prefix = '~';
  while (text.includes(`"${prefix}`)) prefix += prefix;
  return prefix;
}

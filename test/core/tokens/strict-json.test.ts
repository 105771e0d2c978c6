import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson } from '../../../core/tokens/strict-json.ts';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('strict JSON', () => {
  it('is what JSON.parse reads, where no name comes twice', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ['{"a":1,"a":1}'],
    ['{"a":1,"b":{"c":1,"c":2}}'],
    ['[{"a":1},{"a":1,"a":2}]'],
    ['{"a":1,"\\u0061":2}'],
    ['{"":1,"":2}'],
    ['{"__proto__":1,"__proto__":2}'],
    ['{"a\\"b":1, "a\\"b" :2}'],
    ['{"a":"}","a":1}'],
  ])('has no name twice: %s', (text) => {
    expect(parseStrictJson(text)).toBeUndefined();
  });

  it.each([['{"a":{"a":{"a":1}}}'], ['[{"a":1},{"a":1}]'], ['{"a":"a:a","b":"\\"a\\":"}'], ['{"a":1,"A":2}']])(
    'may have a name in several objects, and in text: %s',
    (text) => {
      expect(parseStrictJson(text)).toEqual(JSON.parse(text));
    },
  );

  it('is at most 8 deep', () => {
    expect(parseStrictJson(nested(8))).toEqual(JSON.parse(nested(8)));
    expect(parseStrictJson(nested(9))).toBeUndefined();
    expect(parseStrictJson(nested(8_000))).toBeUndefined();
  });

  it.each([[''], ['{'], ['{"a":1,}'], ["{'a':1}"], ['NaN'], ['{"a":01}'], ['\ufeff{}']])('is JSON: %j', (text) => {
    expect(parseStrictJson(text)).toBeUndefined();
  });
});

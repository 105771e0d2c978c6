import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isEqualJson } from '../../core/equal.ts';

test('ignores the order of keys', () => {
  expect(isEqualJson({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 })).toBe(true);
});

test.each([
  ['another value', { a: 1 }, { a: 2 }],
  ['a missing key', { a: 1, b: undefined }, { a: 1 }],
  ['another key', { a: undefined }, { b: undefined }],
  ['another order of items', [1, 2], [2, 1]],
  ['an array for an object', [], {}],
  ['null for an object', null, {}],
])('sees %s', (_, left, right) => {
  expect(isEqualJson(left, right)).toBe(false);
});

test('a copy is equal', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(isEqualJson(JSON.parse(text), JSON.parse(text))).toBe(true);
    }),
  );
});

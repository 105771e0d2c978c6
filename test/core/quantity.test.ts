import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readQuantity } from '../../core/quantity.ts';

test.each([
  ['500m', 0.5],
  ['2', 2],
  [3, 3],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['10GB', 1e10],
  ['10KB', 1e4],
  ['1e3', 1000],
  ['.5k', 500],
  ['5.', 5],
])('reads %s', (text, value) => {
  expect(readQuantity(text)).toBeCloseTo(value, 6);
});

test.each(['', 'x', '1x', '-1', '1 Gi', '1GiB '])('reads no quantity in %s', (text) => {
  expect(readQuantity(text)).toBeUndefined();
});

test('reads every whole number as itself', () => {
  fc.assert(
    fc.property(fc.nat(), (number) => {
      expect(readQuantity(number)).toBe(number);
      expect(readQuantity(String(number))).toBe(number);
    }),
  );
});

import { expect, it } from 'vitest';
import { findDifference } from '../../../core/doctor/difference.ts';

it.each([
  [{ a: 1 }, { a: 1, b: 'a default' }, undefined],
  [[1, { a: 'x' }], [1, { a: 'x', b: 2 }], undefined],
  [{ a: { b: [true] } }, { a: { b: [false] } }, 'spec.a.b.0: expected true, got false'],
  [{ a: 1 }, {}, 'spec.a: expected 1, got nothing'],
  [{ a: [1] }, { a: [1, 2] }, 'spec.a: expected 1 entries, got 2'],
  [{ a: [1] }, { a: { 0: 1 } }, 'spec.a: expected 1 entries, got none'],
  [{ a: { b: 1 } }, { a: null }, 'spec.a: expected what this release installs, got null'],
  [{ a: null }, { a: null }, undefined],
])('%j installed as %j', (expected, got, difference) => {
  expect(findDifference(expected, got, 'spec')).toBe(difference);
});

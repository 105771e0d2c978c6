import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSelected } from '../../../core/access/label-selector.ts';

const labels = { team: 'a', tier: '' };

test.each([
  ['no requirement', {}, true],
  ['a label with its value', { matchLabels: { team: 'a' } }, true],
  ['a label with an empty value', { matchLabels: { tier: '' } }, true],
  ['a label with another value', { matchLabels: { team: 'b' } }, false],
  ['an absent label', { matchLabels: { zone: '' } }, false],
  ['one of two labels', { matchLabels: { team: 'a', zone: 'x' } }, false],
  ['a label and an expression that does not hold', one('team', 'NotIn', ['a'], { team: 'a' }), false],
  ['In with the value', one('team', 'In', ['b', 'a']), true],
  ['In without the value', one('team', 'In', ['b']), false],
  ['In of an absent label', one('zone', 'In', ['']), false],
  ['NotIn with the value', one('team', 'NotIn', ['a']), false],
  ['NotIn without the value', one('team', 'NotIn', ['b']), true],
  ['NotIn of an absent label', one('zone', 'NotIn', ['a']), true],
  ['Exists', one('tier', 'Exists'), true],
  ['Exists of an absent label', one('zone', 'Exists'), false],
  ['DoesNotExist', one('tier', 'DoesNotExist'), false],
  ['DoesNotExist of an absent label', one('zone', 'DoesNotExist'), true],
  ['Exists of what every object has', one('constructor', 'Exists'), false],
] as const)('%s', (_, selector, expected) => {
  expect(isSelected(selector, labels)).toBe(expected);
});

function one(
  key: string,
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist',
  values?: string[],
  matchLabels: Record<string, string> = {},
) {
  return { matchLabels, matchExpressions: [{ key, operator, ...(values === undefined ? {} : { values }) }] };
}

const key = fc.constantFrom('a', 'b', 'c');
const value = fc.constantFrom('', 'x', 'y');
const anyLabels = fc.dictionary(key, value);
const values = fc.array(value, { minLength: 1 });

test('In and NotIn, Exists and DoesNotExist are each the opposite of the other', () => {
  fc.assert(
    fc.property(anyLabels, key, values, (of, name, among) => {
      expect(isSelected(one(name, 'In', among), of)).toBe(!isSelected(one(name, 'NotIn', among), of));
      expect(isSelected(one(name, 'Exists'), of)).toBe(!isSelected(one(name, 'DoesNotExist'), of));
    }),
  );
});

test('treats matchLabels like In with one value', () => {
  fc.assert(
    fc.property(anyLabels, key, value, (of, name, wanted) => {
      expect(isSelected({ matchLabels: { [name]: wanted } }, of)).toBe(isSelected(one(name, 'In', [wanted]), of));
    }),
  );
});

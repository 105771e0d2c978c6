import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, isSameJson } from '../../core/json.ts';

/** Members in the opposite order, at every depth. */
function reverseMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reverseMembers);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toReversed();
  return Object.fromEntries(members.map(([key, member]) => [key, reverseMembers(member)]));
}

describe('isSameJson', () => {
  it('ignores the order of members', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(isSameJson(JSON.parse(text), reverseMembers(JSON.parse(text)))).toBe(true);
      }),
    );
  });

  it('agrees with the deep equality of the runtime', () => {
    const small = fc.jsonValue({ maxDepth: 1 }).map((value): unknown => JSON.parse(JSON.stringify(value)));
    fc.assert(
      fc.property(small, small, (left, right) => {
        expect(isSameJson(left, right)).toBe(isDeepStrictEqual(left, right));
      }),
    );
  });

  it.each([
    [{}, []],
    [null, {}],
    [{ a: undefined }, { b: undefined }],
    [
      ['a', 'b'],
      ['b', 'a'],
    ],
    [{ a: 1 }, { a: 1, b: 2 }],
    [JSON.parse('{"__proto__": {}}'), { a: {} }],
    ['1', 1],
  ])('tells %j from %j', (left, right) => {
    expect(isSameJson(left, right)).toBe(false);
    expect(isSameJson(right, left)).toBe(false);
  });

  it('calls nothing the same that is nested deeper than anything we compare', () => {
    const nest = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
    expect(isSameJson(nest(64), nest(64))).toBe(true);
    expect(isSameJson(nest(1_000_000), nest(1_000_000))).toBe(false);
  });

  it('ignores the order of keys', () => {
    expect(isSameJson({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 })).toBe(true);
  });

  it.each([
    ['another value', { a: 1 }, { a: 2 }],
    ['a missing key', { a: 1, b: undefined }, { a: 1 }],
    ['another key', { a: undefined }, { b: undefined }],
    ['another order of items', [1, 2], [2, 1]],
    ['an array for an object', [], {}],
    ['null for an object', null, {}],
  ])('notices %s', (_, left, right) => {
    expect(isSameJson(left, right)).toBe(false);
  });

  it('a copy is equal', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(isSameJson(JSON.parse(text), JSON.parse(text))).toBe(true);
      }),
    );
  });
});

describe('at', () => {
  it.each([
    [{ a: [{ b: 1 }] }, ['a', 0, 'b'], 1],
    [{ a: 1 }, [], { a: 1 }],
    [{ a: 1 }, ['a', 'b'], undefined],
    [null, ['a'], undefined],
    [{}, ['constructor'], undefined],
  ])('of %j, %j is %j', (value, path, found) => {
    expect(at(value, path)).toEqual(found);
  });
});

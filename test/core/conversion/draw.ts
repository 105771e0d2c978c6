/**
 * Random JSON, drawn in one go. An arbitrary for each member, as fast-check composes them, would take a hundred times
 * as long as what is tested with it.
 */
import fc from 'fast-check';

export type Draw<T = unknown> = (random: fc.Random) => T;

/** What is drawn, as an arbitrary: smaller is what has a member or an item less, as long as `isOne` says yes. */
export class Drawn<T> extends fc.Arbitrary<T> {
  readonly #draw: Draw<T>;
  readonly #isOne: (value: unknown) => value is T;

  constructor(draw: Draw<T>, isOne: (value: unknown) => value is T) {
    super();
    this.#draw = draw;
    this.#isOne = isOne;
  }

  generate(random: fc.Random): fc.Value<T> {
    return new fc.Value(this.#draw(random), undefined);
  }

  canShrinkWithoutContext(_value: unknown): _value is T {
    return false;
  }

  shrink(value: T): fc.Stream<fc.Value<T>> {
    return fc
      .stream(smaller(value))
      .filter(this.#isOne)
      .map((one) => new fc.Value(one, undefined));
  }
}

function* smaller(value: unknown): Generator {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      yield value.toSpliced(index, 1);
      for (const one of smaller(item)) yield value.with(index, one);
    }
  } else if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value);
    for (const [index, [key, member]] of members.entries()) {
      yield Object.fromEntries(members.toSpliced(index, 1));
      for (const one of smaller(member)) yield Object.fromEntries(members.with(index, [key, one]));
    }
  }
}

/** True once in so many times. */
export const isOnce = (random: fc.Random, times: number): boolean => random.nextInt(1, times) === 1;

export const always =
  <T>(value: T): Draw<T> =>
  () =>
    value;

export function oneOf<T>(...draws: readonly Draw<T>[]): Draw<T> {
  return (random) => {
    const draw = draws[random.nextInt(0, draws.length - 1)];
    if (draw === undefined) throw new TypeError('oneOf: expected something to draw from');
    return draw(random);
  };
}

export const constants = <T>(...values: readonly T[]): Draw<T> => oneOf(...values.map(always));

export const integer =
  (min: number, max: number): Draw<number> =>
  (random) =>
    random.nextInt(min, max);

/** One of 50 values of an arbitrary that is too slow to be asked every time. */
export const sampled = <T>(arbitrary: fc.Arbitrary<T>): Draw<T> => constants(...fc.sample(arbitrary, 50));

export const list =
  <T>(item: Draw<T>, minLength: number, maxLength: number): Draw<T[]> =>
  (random) =>
    Array.from({ length: random.nextInt(minLength, maxLength) }, () => item(random));

export interface Dictionary<T> {
  readonly key: Draw<string>;
  readonly value: Draw<T>;
  readonly minKeys: number;
  readonly maxKeys: number;
}

export const dictionary =
  <T>({ key, value, minKeys, maxKeys }: Dictionary<T>): Draw<Record<string, T>> =>
  (random) =>
    Object.fromEntries(
      Array.from({ length: random.nextInt(minKeys, maxKeys) }, () => [key(random), value(random)] as const),
    );

/** Of the members that may be absent a quarter, a half, three quarters or all are there. */
export function record(
  members: Readonly<Record<string, Draw>>,
  required: readonly string[],
): Draw<Record<string, unknown>> {
  const entries = Object.entries(members).map(([key, draw]) => [key, draw, required.includes(key)] as const);
  return (random) => {
    const quarters = random.nextInt(1, 4);
    const drawn: Record<string, unknown> = {};
    for (const [key, draw, isRequired] of entries)
      if (isRequired || random.nextInt(1, 4) <= quarters) drawn[key] = draw(random);
    return drawn;
  };
}

/** First and last code point of letters, controls, what takes two and three bytes, and what takes two units. */
const ranges = [
  [0x20, 0x7e],
  [0, 0x9f],
  [0xa0, 0x7ff],
  [0x2000, 0xd7ff],
  [0xe000, 0xffff],
  [0x1_0000, 0x10_ffff],
] as const;

const codePoint = oneOf(...ranges.map(([first, last]) => integer(first, last)));

/** Of any characters, lone surrogates aside: the apiserver replaces those before anybody sees them. */
const anyText =
  (maxLength: number): Draw<string> =>
  (random) =>
    String.fromCodePoint(
      ...Array.from({ length: random.nextInt(0, Math.floor(maxLength / 2)) }, () => codePoint(random)),
    );

const oddTexts = ['', '__proto__', '\u0000', '\u2028"\\', 'e\u0301', '🏗️', '7', '-0.50', '1e3', 'true', 'null'];

/** Empty, `__proto__`, controls, numbers as text, what is written with several code points or units. */
export const oddText = (maxLength: number): Draw<string> =>
  oneOf(anyText(Math.min(maxLength, 24)), constants(...oddTexts.filter((text) => text.length <= maxLength)));

export const oddKey: Draw<string> = oneOf(oddText(12), constants('constructor', 'toString', 'spec', '*'));

const oddNumber = oneOf(integer(-9, 9), constants(0.5, -1e-7, 5e-324, 1.7e308, 2 ** 53 - 1, -(2 ** 31)));

/** Any JSON. */
export function oddJson(depth = 3): Draw {
  const leaf: Draw = oneOf<unknown>(constants(null, true, false), oddNumber, oddText(24));
  if (depth === 0) return leaf;
  const value = oddJson(depth - 1);
  return oneOf(leaf, list(value, 0, 3), dictionary({ key: oddKey, value, minKeys: 0, maxKeys: 3 }));
}

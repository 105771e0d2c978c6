import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSeconds, nanosecondsPerSecond, parseDuration } from '../../core/duration.ts';

const nanoseconds = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 10n ** 6n,
  s: 10n ** 9n,
  m: 60n * 10n ** 9n,
  h: 3_600n * 10n ** 9n,
};

const ok = (value: bigint) => ({ ok: true, value });
const notADuration = { ok: false, error: 'not_a_duration' };
const outOfRange = { ok: false, error: 'out_of_range' };

describe('a duration', () => {
  it.each([
    ['0', 0n],
    ['-0', 0n],
    ['30m', 1_800n * 10n ** 9n],
    ['1h30m', 5_400n * 10n ** 9n],
    ['30m1h', 5_400n * 10n ** 9n],
    ['+5s', 5n * 10n ** 9n],
    ['-1.5h', -5_400n * 10n ** 9n],
    ['.5s', 5n * 10n ** 8n],
    ['5.s', 5n * 10n ** 9n],
    ['1.5ns', 1n],
    ['12us', 12_000n],
    ['12µs', 12_000n],
    ['12μs', 12_000n],
    ['9223372036854775807ns', 2n ** 63n - 1n],
    ['-9223372036854775808ns', -(2n ** 63n)],
  ])('reads %s as Go does', (text, expected) => {
    expect(parseDuration(text)).toEqual(ok(expected));
  });

  it.each([
    '',
    'abc',
    '3',
    '-',
    's',
    '.',
    '-.',
    '.s',
    '1',
    '1 h',
    ' 1h',
    '1h ',
    '1d',
    '1H',
    '1e3s',
    '--1s',
    '1..5s',
    '1h-30m',
    '١s',
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toEqual(notADuration);
  });

  it.each(['9223372036854775808ns', '-9223372036854775809ns', '2562048h', '9999999999h'])(
    'refuses %s, which Go cannot count',
    (text) => {
      expect(parseDuration(text)).toEqual(outOfRange);
    },
  );

  it('is the sum of its parts, in any order and any unit', () => {
    const parts = fc.array(
      fc.tuple(fc.nat(9_999), fc.constantFrom(...(Object.keys(nanoseconds) as (keyof typeof nanoseconds)[]))),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(parts, fc.boolean(), (amounts, isNegative) => {
        const text = amounts.map(([amount, unit]) => `${amount}${unit}`).join('');
        const sum = amounts.reduce((total, [amount, unit]) => total + BigInt(amount) * nanoseconds[unit], 0n);
        expect(parseDuration(isNegative ? `-${text}` : text)).toEqual(ok(isNegative ? -sum : sum));
      }),
    );
  });

  it('counts a fraction to the nanosecond', () => {
    fc.assert(
      fc.property(fc.nat(9_999), fc.nat(999_999_999), (seconds, fraction) => {
        const text = `${seconds}.${String(fraction).padStart(9, '0')}s`;
        expect(parseDuration(text)).toEqual(ok(BigInt(seconds) * 10n ** 9n + BigInt(fraction)));
      }),
    );
  });

  it('is never read from text that has other characters', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => /[^-+.\da-zµμ]/.test(text)),
        (text) => {
          expect(parseDuration(text)).toEqual(notADuration);
        },
      ),
    );
  });
});

describe('whole seconds', () => {
  it.each([
    [0, '0s'],
    [59, '59s'],
    [60, '1m'],
    [5_430, '1h30m30s'],
    [86_400, '24h'],
  ])('%i are written %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
    const parsed = parseDuration(text);
    expect(parsed.ok && parsed.value / nanosecondsPerSecond).toBe(BigInt(seconds));
  });
});

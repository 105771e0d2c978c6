/** Durations as Go's time.ParseDuration reads them (https://pkg.go.dev/time#ParseDuration). No I/O. */
import { err, ok, type Result } from './result.ts';

export const nanosecondsPerSecond = 1_000_000_000n;

const nanosecondsPerUnit: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n, // U+00B5, micro sign
  μs: 1_000n, // U+03BC, Greek letter mu
  ms: 1_000_000n,
  s: nanosecondsPerSecond,
  m: 60n * nanosecondsPerSecond,
  h: 3_600n * nanosecondsPerSecond,
};

const duration = /^([-+]?)(0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
const part = /(\d*)\.?(\d*)([a-zµμ]+)/g;

/** What Go counts in: int64 nanoseconds. */
const most = 2n ** 63n - 1n;

/** Nanoseconds; a fraction of one is cut off. */
export function parseDuration(text: string): Result<bigint, 'not_a_duration' | 'out_of_range'> {
  const [, sign, amount] = duration.exec(text) ?? [];
  if (amount === undefined) return err('not_a_duration');
  let sum = 0n;
  for (const [, whole, fraction, unit] of amount.matchAll(part)) sum += toNanoseconds(whole, fraction, unit);
  const isNegative = sign === '-';
  if (sum > (isNegative ? most + 1n : most)) return err('out_of_range');
  return ok(isNegative ? -sum : sum);
}

/** As Go prints whole seconds, without the parts that are zero: `1h30m`. */
export function formatSeconds(seconds: number): string {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return [hours > 0 ? `${hours}h` : '', minutes > 0 ? `${minutes}m` : '', rest > 0 ? `${rest}s` : ''].join('') || '0s';
}

function toNanoseconds(whole = '', fraction = '', unit = ''): bigint {
  const scale = 10n ** BigInt(fraction.length);
  return (BigInt(whole + fraction) * (nanosecondsPerUnit[unit] ?? 0n)) / scale;
}

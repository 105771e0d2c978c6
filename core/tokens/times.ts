/** When a token counts (RFC 7519, 4.1.4 to 4.1.6). No I/O. No clock. */
import { maxClockSkewSeconds } from '../../api/limits/tokens.ts';
import type { JsonObject } from '../json.ts';

/** `exp` must be there; `nbf` and `iat` may be. Each is a number, of seconds since the epoch. */
export function isTimely({ exp, nbf, iat }: JsonObject, nowMs: number): boolean {
  const nowSeconds = nowMs / 1000;
  const hasBegun = (time: unknown): boolean =>
    time === undefined || (isTime(time) && time <= nowSeconds + maxClockSkewSeconds);
  return isTime(exp) && exp > nowSeconds - maxClockSkewSeconds && hasBegun(nbf) && hasBegun(iat);
}

/** JSON can say 1e400, which is read as Infinity. */
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/**
 * Whether a token is worth a TokenReview, read without believing it: it only spares the apiserver reviews of tokens
 * it would refuse anyway. No I/O. No clock.
 */
import type { JsonObject } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import { hasAudience } from './parse.ts';

export type ReviewFault = 'other_audience' | 'expired' | 'malformed';

/** The moment a token worth a review ends, or why it is worth none. */
export function inspectClaims(
  claims: JsonObject,
  { audience, nowMs }: { readonly audience: string; readonly nowMs: number },
): Result<{ expiresAtMs: number }, ReviewFault> {
  const { exp } = claims;
  if (!hasAudience(claims, audience)) return err('other_audience');
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return err('malformed');
  const expiresAtMs = exp * 1000;
  return expiresAtMs > nowMs ? ok({ expiresAtMs }) : err('expired');
}

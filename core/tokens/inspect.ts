/**
 * Whether a token is worth a TokenReview, read without believing it: it only spares the apiserver reviews of tokens
 * it would refuse anyway. No I/O. No clock.
 */
import { err, ok, type Result } from '../result.ts';
import { hasAudience, parseToken, type TokenFault } from './parse.ts';

export interface TokenExpectation {
  readonly issuer: string;
  readonly audience: string;
  readonly nowMs: number;
}

export type ReviewFault = TokenFault | 'other_issuer' | 'other_audience' | 'expired';

/** The moment a token worth a review ends, or why it is worth none. */
export function inspectToken(token: string, expected: TokenExpectation): Result<{ expiresAtMs: number }, ReviewFault> {
  const parsed = parseToken(token);
  if (!parsed.ok) return parsed;
  const { claims } = parsed.value;
  const { iss, exp } = claims;
  if (iss !== expected.issuer) return err('other_issuer');
  if (!hasAudience(claims, expected.audience)) return err('other_audience');
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return err('malformed');
  const expiresAtMs = exp * 1000;
  return expiresAtMs > expected.nowMs ? ok({ expiresAtMs }) : err('expired');
}

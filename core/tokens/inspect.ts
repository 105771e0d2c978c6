/**
 * What a compact JWS (RFC 7515) claims, read without believing it: it only spares the apiserver reviews of
 * tokens it would refuse anyway. No I/O. No clock.
 */
import { maxTokenBytes } from '../../api/limits.ts';
import { err, ok, type Result } from '../result.ts';

export interface TokenExpectation {
  readonly issuer: string;
  readonly audience: string;
  readonly nowMs: number;
}

export type TokenFault = 'too_long' | 'malformed' | 'unsigned' | 'other_issuer' | 'other_audience' | 'expired';

type Claims = Readonly<Record<string, unknown>>;

/** The moment a token worth a review ends, or why it is worth none. */
export function inspectToken(token: string, expected: TokenExpectation): Result<{ expiresAtMs: number }, TokenFault> {
  const read = readClaims(token);
  if (!read.ok) return read;
  const { iss, aud, exp } = read.value;
  if (iss !== expected.issuer) return err('other_issuer');
  if (!names(aud, expected.audience)) return err('other_audience');
  if (typeof exp !== 'number') return err('malformed');
  const expiresAtMs = exp * 1000;
  return expiresAtMs > expected.nowMs ? ok({ expiresAtMs }) : err('expired');
}

/** The issuer a token claims; undefined when it is no token. */
export function readIssuer(token: string): string | undefined {
  const read = readClaims(token);
  return read.ok && typeof read.value['iss'] === 'string' ? read.value['iss'] : undefined;
}

function readClaims(token: string): Result<Claims, TokenFault> {
  // Every character is one byte here: what is not ASCII fails in base64url.
  if (token.length > maxTokenBytes) return err('too_long');
  const [header, payload, signature, ...more] = token.split('.').map(decode);
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) {
    return err('malformed');
  }
  const protectedHeader = parseObject(header);
  const claims = parseObject(payload);
  if (protectedHeader === undefined || claims === undefined) return err('malformed');
  const { alg } = protectedHeader;
  if (typeof alg !== 'string' || alg.toLowerCase() === 'none' || signature.length === 0) return err('unsigned');
  return ok(claims);
}

/** `aud` is one string or several (RFC 7519, 4.1.3). */
const names = (aud: unknown, audience: string): boolean =>
  aud === audience || (Array.isArray(aud) && aud.includes(audience));

/** Canonical base64url alone: another spelling of the same bytes would be another token with the same meaning. */
function decode(segment: string): Uint8Array | undefined {
  if (!/^[-\w]*$/.test(segment) || segment.length % 4 === 1) return undefined;
  const bytes = Uint8Array.fromBase64(segment, { alphabet: 'base64url' });
  return bytes.toBase64({ alphabet: 'base64url', omitPadding: true }) === segment ? bytes : undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function parseObject(bytes: Uint8Array): Claims | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}

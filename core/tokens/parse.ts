/**
 * A compact JWS (RFC 7515, 7.1) taken apart, strictly, and not yet believed. No I/O. No clock.
 *
 * Every token has one spelling: canonical base64url, no member twice.
 */
import { maxKeyIdLength, maxTokenBytes } from '../../api/limits/tokens.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import { parseStrictJson } from './strict-json.ts';

/** Asymmetric ones alone: with others, whoever verifies can sign (RFC 8725, 3.1 and 3.2). */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  // RFC 9864 gives the signatures that were called EdDSA (RFC 8037) the name of their curve.
  'EdDSA',
  'Ed25519',
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export interface ParsedToken {
  readonly algorithm: Algorithm;
  readonly keyId: string | undefined;
  readonly claims: JsonObject;
  /** As it came. */
  readonly text: string;
}

export type TokenFault = 'too_long' | 'malformed' | 'unsigned' | 'other_algorithm' | 'other_kind' | 'critical_header';

export function parseToken(token: string): Result<ParsedToken, TokenFault> {
  // Every character is one byte here: what is not ASCII fails in base64url.
  if (token.length > maxTokenBytes) return err('too_long');
  const segments = token.split('.', segmentCount + 1);
  const [header, payload, signature] = segments.map(decode);
  if (segments.length !== segmentCount || header === undefined || payload === undefined || signature === undefined) {
    return err('malformed');
  }
  const protectedHeader = parseObject(header);
  const claims = parseObject(payload);
  if (protectedHeader === undefined || claims === undefined) return err('malformed');
  const read = readHeader(protectedHeader);
  if (!read.ok) return read;
  if (signature.length === 0) return err('unsigned');
  return ok({ ...read.value, claims, text: token });
}

/** The issuer a token claims; undefined when it is no token. */
export function readIssuer(token: string): string | undefined {
  const parsed = parseToken(token);
  const issuer = parsed.ok ? parsed.value.claims['iss'] : undefined;
  return typeof issuer === 'string' ? issuer : undefined;
}

/** `aud` is one string or several (RFC 7519, 4.1.3). */
export const hasAudience = ({ aud }: JsonObject, audience: string): boolean =>
  aud === audience || (Array.isArray(aud) && aud.every((one) => typeof one === 'string') && aud.includes(audience));

const segmentCount = 3;

/** What says that this is no plain signed text, or that it is to be read in a way of its own. */
const foreignMembers: readonly string[] = ['b64', 'zip', 'enc', 'cty'];

/** Of a token that may stand for somebody (RFC 7519, 5.1; RFC 9068, 2.1). A logout token is a JWT of the same issuer. */
const types: readonly string[] = ['jwt', 'at+jwt', 'application/at+jwt'];

/** Keys and URLs in a header (`jwk`, `jku`, `x5c`, `x5u`) are not looked at: they are the word of whoever made it. */
function readHeader(header: JsonObject): Result<Pick<ParsedToken, 'algorithm' | 'keyId'>, TokenFault> {
  const { alg, kid, typ } = header;
  if (Object.hasOwn(header, 'crit')) return err('critical_header');
  if (typeof alg !== 'string' || alg.toLowerCase() === 'none') return err('unsigned');
  const algorithm = ALGORITHMS.find((known) => known === alg);
  if (algorithm === undefined) return err('other_algorithm');
  if (foreignMembers.some((name) => Object.hasOwn(header, name))) return err('other_kind');
  if (typ !== undefined && !(typeof typ === 'string' && types.includes(typ.toLowerCase()))) return err('other_kind');
  if (kid !== undefined && !(typeof kid === 'string' && kid.length <= maxKeyIdLength)) return err('malformed');
  return ok({ algorithm, keyId: kid });
}

/** Canonical base64url alone: another spelling of the same bytes would be another token with the same meaning. */
function decode(segment: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[-\w]*$/.test(segment) || segment.length % 4 === 1) return undefined;
  const bytes = Uint8Array.fromBase64(segment, { alphabet: 'base64url' });
  return bytes.toBase64({ alphabet: 'base64url', omitPadding: true }) === segment ? bytes : undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function parseObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value = parseStrictJson(utf8.decode(bytes));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

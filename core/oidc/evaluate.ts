/** What a verified token says by the terms of one issuer. No I/O. No clock. */
import { maxUserValueLength } from '../../api/limits/tokens.ts';
import { member, type JsonObject } from '../json.ts';
import type { Vouched } from '../principal.ts';
import { hasAudience } from '../tokens/parse.ts';
import type { IssuerTerms, TrustedIssuer } from './trusted-issuer.ts';

/** Whether a token is one that this issuer may have made for us; its signature says whether it did. */
export const isAddressed = (claims: JsonObject, { issuer, audience }: IssuerTerms): boolean =>
  claims['iss'] === issuer && hasAudience(claims, audience);

/** Undefined where the token names nobody, or not what it must. */
export function evaluateClaims(claims: JsonObject, { by, terms }: TrustedIssuer): Vouched | undefined {
  const { user = 'sub', pools } = terms.claimsMapping ?? {};
  if (!isBound(claims, terms.boundClaims ?? {})) return undefined;
  const value = readUser(claims, user);
  if (value === undefined) return undefined;
  return { by, value, ...(pools === undefined ? {} : { pools: readPatterns(member(claims, pools)) }) };
}

/**
 * No claim is named so, and a name that was read off an answer of the apiserver may then be another than was written:
 * see core/json-text.ts, through which LISTs take four times as long.
 */
const needsEscape = /["\\\p{Cc}\p{Cs}]/u;

/** Every claim that is listed has one of the values listed for it; of a claim that is a list, one member has. */
const isBound = (claims: JsonObject, bound: Readonly<Record<string, readonly string[]>>): boolean =>
  Object.entries(bound).every(([name, values]) => {
    const claim = member(claims, name);
    const said = (Array.isArray(claim) ? claim : [claim]).map(toText);
    return said.some((text) => text !== undefined && values.includes(text)) && !needsEscape.test(name);
  });

/** Above what JavaScript counts exactly, two numbers in a token would be one here. */
function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'boolean' || Number.isSafeInteger(value) ? String(value) : undefined;
}

/** No control characters, which would make one name look like another. */
const printable = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+$/u;

/** An address that the issuer says is not verified was chosen by whoever holds the token. */
function readUser(claims: JsonObject, name: string): string | undefined {
  if (name === 'email' && Object.hasOwn(claims, 'email_verified') && claims['email_verified'] !== true)
    return undefined;
  const value = member(claims, name);
  const text = typeof value === 'boolean' ? undefined : toText(value);
  return text !== undefined && text.length <= maxUserValueLength && printable.test(text) ? text : undefined;
}

/** What is not a list of names is none: the claim is there to narrow. */
function readPatterns(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return [];
  return value.filter((one) => typeof one === 'string');
}

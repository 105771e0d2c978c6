/** The issuers that a pool or an OIDC config names. No I/O. */
import type { StatusCause } from '../../api/http/admission-review.ts';
import { maxShownValueLength } from '../../api/limits/messages.ts';
import { isSameJson } from '../json.ts';
import { isOpenToStrangers, judgeIssuer, lastingClaimsOf, type ClaimedIssuer, type Namer } from '../oidc/issuer.ts';
import type { Access } from './narrowing.ts';

export function checkIssuer(field: string, issuer: string, namer: Namer): readonly StatusCause[] {
  const message = judgeIssuer(issuer, namer);
  if (message === undefined) return [];
  const reason = message.startsWith('Forbidden') ? 'FieldValueForbidden' : 'FieldValueInvalid';
  return [{ field, reason, message }];
}

/** The schema has seen to the audience. `section` holds the issuer. */
export function checkBound(section: string, claimed: ClaimedIssuer): readonly StatusCause[] {
  if (!isOpenToStrangers(claimed)) return [];
  const message = `Required value: anybody can get a token of this issuer for any audience: bind ${listLasting(claimed)}`;
  return [{ field: `${section}.boundClaims`, reason: 'FieldValueRequired', message }];
}

/** One lasting claim is enough, since all that are bound must match. */
export function warnOfNames(section: string, claimed: ClaimedIssuer): readonly string[] {
  const lasting = lastingClaimsOf(claimed.issuer);
  const bound = Object.keys(claimed.boundClaims ?? {});
  if (lasting === undefined || bound.some((name) => lasting.includes(name))) return [];
  const field = `${section}.boundClaims`;
  if (bound.length === 0)
    return [`${field}: no token of this issuer counts before one is bound: ${listLasting(claimed)}`];
  const shown = bound.join(', ').slice(0, maxShownValueLength);
  return [`${field}: ${shown}: who is named can change, and another be named so; bind ${listLasting(claimed)}`];
}

const listLasting = ({ issuer }: ClaimedIssuer): string => (lastingClaimsOf(issuer) ?? []).join(' or ');

const listInline = (access: Access) => access?.oidc?.inline ?? [];
const inlineField = (index: number): string => `spec.access.oidc.inline[${index}]`;

/** What the pool did not say before in the same words. */
export function checkInlineIssuers(before: Access, after: Access, namer: Namer): readonly StatusCause[] {
  const known = listInline(before);
  return listInline(after).flatMap((claimed, index) => {
    if (known.some((one) => isSameJson(one, claimed))) return [];
    const isNamed = known.some(({ issuer }) => issuer === claimed.issuer);
    return [
      ...(isNamed ? [] : checkIssuer(`${inlineField(index)}.issuer`, claimed.issuer, namer)),
      ...checkBound(inlineField(index), claimed),
    ];
  });
}

export const warnOfInlineNames = (access: Access): readonly string[] =>
  listInline(access).flatMap((claimed, index) => warnOfNames(inlineField(index), claimed));

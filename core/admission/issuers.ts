/** The issuers that a pool or an OIDC config names. No I/O. */
import type { StatusCause } from '../../api/http/admission-review.ts';
import { maxShownValueLength } from '../../api/limits/messages.ts';
import type { PoolSpec } from '../../api/v1beta1/pool.ts';
import { isSameJson } from '../json.ts';
import {
  isOpenToStrangers,
  judgeIssuer,
  lastingClaimsOf,
  listBound,
  type ClaimedIssuer,
  type Namer,
} from '../oidc/issuer.ts';

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
  const bound = listBound(claimed);
  if (lasting === undefined || bound.some((name) => lasting.includes(name))) return [];
  const field = `${section}.boundClaims`;
  if (bound.length === 0)
    return [`${field}: no token of this issuer counts before one is bound: ${listLasting(claimed)}`];
  const shown = bound.join(', ').slice(0, maxShownValueLength);
  return [`${field}: ${shown}: who is named can change, and another be named so; bind ${listLasting(claimed)}`];
}

const listLasting = ({ issuer }: ClaimedIssuer): string => (lastingClaimsOf(issuer) ?? []).join(' or ');

/** The issuers that a pool names itself, each with the field it stands in. */
const listNamed = (spec: PoolSpec | undefined) => [
  ...(spec?.v1alpha1?.auth?.methods ?? []).flatMap(({ oidc }, index) =>
    oidc === undefined ? [] : [{ field: `spec.v1alpha1.auth.methods[${index}].oidc`, claimed: oidc }],
  ),
  ...(spec?.access?.oidc?.inline ?? []).map((claimed, index) => ({
    field: `spec.access.oidc.inline[${index}]`,
    claimed,
  })),
];

/** What the pool did not say before in the same words. */
export function checkNamedIssuers(before: PoolSpec | undefined, after: PoolSpec, namer: Namer): readonly StatusCause[] {
  const known = listNamed(before).map(({ claimed }) => claimed);
  return listNamed(after).flatMap(({ field, claimed }) => {
    if (known.some((one) => isSameJson(one, claimed))) return [];
    const isNamed = known.some(({ issuer }) => issuer === claimed.issuer);
    return [...(isNamed ? [] : checkIssuer(`${field}.issuer`, claimed.issuer, namer)), ...checkBound(field, claimed)];
  });
}

export const warnOfIssuerNames = (spec: PoolSpec): readonly string[] =>
  listNamed(spec).flatMap(({ field, claimed }) => warnOfNames(field, claimed));

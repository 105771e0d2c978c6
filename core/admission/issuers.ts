/** The issuers that a pool or an OIDC config names. No I/O. */
import type { StatusCause } from '../../api/http/admission-review.ts';
import { isSharedIssuer, judgeIssuer, type Namer } from '../oidc/issuer.ts';
import type { Access } from './narrowing.ts';

export function checkIssuer(field: string, issuer: string, namer: Namer): readonly StatusCause[] {
  const message = judgeIssuer(issuer, namer);
  if (message === undefined) return [];
  const reason = message.startsWith('Forbidden') ? 'FieldValueForbidden' : 'FieldValueInvalid';
  return [{ field, reason, message }];
}

/** A list of who may is needed beside an issuer that knows everybody. */
export const warnOfSharedIssuer = (field: string, issuer: string): readonly string[] =>
  isSharedIssuer(issuer)
    ? [`${field}: anybody can get a token of this issuer for any audience: name in access.clients.rules who may build`]
    : [];

const listInline = (access: Access) => access?.oidc?.inline ?? [];

/** Issuers that the pool did not name before. */
export function checkInlineIssuers(before: Access, after: Access, namer: Namer): readonly StatusCause[] {
  const known = listInline(before).map(({ issuer }) => issuer);
  return listInline(after).flatMap(({ issuer }, index) =>
    known.includes(issuer) ? [] : checkIssuer(`spec.access.oidc.inline[${index}].issuer`, issuer, namer),
  );
}

export const warnOfSharedInline = (access: Access): readonly string[] =>
  listInline(access).flatMap(({ issuer }, index) =>
    warnOfSharedIssuer(`spec.access.oidc.inline[${index}].issuer`, issuer),
  );

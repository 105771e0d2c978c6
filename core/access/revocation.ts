/** What the owner of a pool took back in `spec.access`. No I/O. No clock. */
import type { Pool } from '../../api/v1beta1/pool.ts';

type Access = Pool['spec']['access'];

export interface Holder {
  readonly principal: string;
  /** When the certificate was issued, in milliseconds since the epoch. */
  readonly issuedAtMs: number;
}

/**
 * Whether a certificate no longer counts for this pool: it was issued before `revokedBefore`, or to a principal of
 * `revokedPrincipals` before the time that stands beside it. A gateway asks at every connection.
 */
export const isRevoked = (access: Access, { principal, issuedAtMs }: Holder): boolean =>
  isBefore(issuedAtMs, access?.revokedBefore) ||
  (access?.revokedPrincipals ?? []).some(
    (revoked) => revoked.principal === principal && isBefore(issuedAtMs, revoked.before),
  );

/**
 * Whether nothing is to be issued for this pool: to nobody before `revokedBefore`, which closes a pool until then where
 * it lies in the future, and to a principal of `revokedPrincipals` for as long as it is listed, whatever the time beside it.
 */
export const isIssuanceRefused = (access: Access, { principal, issuedAtMs }: Holder): boolean =>
  isBefore(issuedAtMs, access?.revokedBefore) ||
  (access?.revokedPrincipals ?? []).some((revoked) => revoked.principal === principal);

/** A time that says nothing revokes everything: the schema lets in none. */
const isBefore = (ms: number, time: string | undefined): boolean => time !== undefined && !(ms >= Date.parse(time));

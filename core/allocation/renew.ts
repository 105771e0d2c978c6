/** What the renewal of one lease comes to. No I/O. No clock. */
import type { Pool } from '../../api/v1beta1/pool.ts';
import { isRevoked } from '../access/revocation.ts';
import type { Lease } from '../lifecycle/cluster-objects.ts';
import { ENDED } from '../lifecycle/routes.ts';
import { isExpired, isOfPool, isRenewalDue, issuedAtMsOf, principalOf, renewed } from './lease.ts';

export type Renewal =
  | { readonly do: 'write'; readonly lease: Lease }
  /** It was renewed a moment ago. */
  | { readonly do: 'nothing' }
  | { readonly do: 'end'; readonly reason: string };

/** A lease that is over stays over: `lifecycle` may be about to give its worker to another. */
export function planRenewal(lease: Lease | undefined, pool: Pool, isPermitted: boolean, now: Date): Renewal {
  if (lease === undefined || !isOfPool(lease, pool) || isExpired(lease, now)) return { do: 'end', reason: ENDED.over };
  const holder = { principal: principalOf(lease), issuedAtMs: issuedAtMsOf(lease) };
  if (isRevoked(pool.spec.access, holder)) return { do: 'end', reason: ENDED.revoked };
  if (!isPermitted) return { do: 'end', reason: ENDED.forbidden };
  return isRenewalDue(lease, now) ? { do: 'write', lease: renewed(lease, now) } : { do: 'nothing' };
}

/** Which lease of a certificate a connection is for, where the pool bounds the connections of each. No I/O. */
import { leaseIdOf, gatewayOf, isExpired } from './lease.ts';
import type { Lease } from '../lifecycle/cluster-objects.ts';

export interface OpenLease {
  readonly lease: string;
  readonly connections: number;
}

export interface LeaseQuery {
  /** First half of the certificate's hash. */
  readonly base: string;
  /** Connections that one lease may have; unbounded when absent. */
  readonly most: number | undefined;
  /** What this gateway has open. */
  readonly open: readonly OpenLease[];
  /** UID of its Pod. */
  readonly gateway: string;
}

/**
 * The first that has a connection to spare, else the first that nobody has. A gateway knows its own connections alone, so
 * each uses no lease that was made for another.
 */
export function chooseLease(
  { base, most, open, gateway }: LeaseQuery,
  { pool, leases, now }: { readonly pool: string; readonly leases: readonly Lease[]; readonly now: Date },
): string {
  if (most === undefined) return base;
  const own = open.find(({ lease, connections }) => isOf(base, lease) && connections < most);
  if (own !== undefined) return own.lease;
  const taken = new Set(open.map(({ lease }) => lease));
  for (const lease of leases) {
    const id = leaseIdOf(pool, lease);
    if (id !== undefined && gatewayOf(lease) !== gateway && !isExpired(lease, now)) taken.add(id);
  }
  for (let number = 0; ; number += 1) {
    const id = number === 0 ? base : `${base}-${number}`;
    if (!taken.has(id)) return id;
  }
}

const isOf = (base: string, lease: string): boolean => lease === base || lease.startsWith(`${base}-`);

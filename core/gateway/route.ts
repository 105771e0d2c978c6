/** Which worker a certificate leads to, by the routes of the pool. No I/O. */
import type { LeasedWorker } from '../../api/http/leases.ts';
import type { Routes } from '../../api/routes.ts';

export interface Route {
  readonly lease: string;
  readonly worker: LeasedWorker;
}

/** First half of the SHA-256 of a certificate, hexadecimal: its first lease. Others follow as `<id>-1`, `<id>-2`. */
export const toLeaseId = (certificateHash: string): string => certificateHash.slice(0, 32);

export interface RouteRequest {
  readonly leaseId: string;
  /** Connections of each lease that are open here. */
  readonly countOf: (lease: string) => number;
  /** `workers.scaling.targets.activeConnections`: above it a certificate has another lease. */
  readonly connectionsPerLease: number | undefined;
}

/** A lease of this certificate that has a worker and takes one connection more; otherwise `allocation` is asked. */
export function findRoute(routes: Routes | undefined, request: RouteRequest): Route | undefined {
  const { leaseId, countOf, connectionsPerLease } = request;
  // Where connections are bounded, what other gateways have open is not known here: only own leases count.
  const takesOneMore = (lease: string): boolean =>
    connectionsPerLease === undefined || (countOf(lease) > 0 && countOf(lease) < connectionsPerLease);
  for (const { lease, worker, ended } of routes?.leases ?? []) {
    const isOwn = lease === leaseId || lease.startsWith(`${leaseId}-`);
    if (isOwn && ended === undefined && worker !== undefined && takesOneMore(lease)) {
      return { lease, worker };
    }
  }
  return undefined;
}

/** Routes of a pool of another UID say nothing of this one. */
export const readRoutesOf = (uid: string, routes: Routes | undefined): Routes | undefined =>
  routes?.poolUID === uid ? routes : undefined;

/** Why connections of a lease end. */
export const findEnded = (routes: Routes | undefined): ReadonlyMap<string, string> =>
  new Map((routes?.leases ?? []).flatMap(({ lease, ended }) => (ended === undefined ? [] : [[lease, ended] as const])));

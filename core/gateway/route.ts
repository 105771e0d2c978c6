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
  /** The worker of each lease that is open here, where it is sure. */
  readonly identityOf: (lease: string) => string | undefined;
  /** `workers.scaling.targets.activeConnections`: above it a certificate has another lease. */
  readonly connectionsPerLease: number | undefined;
}

/**
 * A lease of this certificate that takes one connection more; otherwise `allocation` is asked. Routes may be old, and what
 * they name may serve somebody else by now: they are followed to the worker alone that `allocation` named for a lease that
 * is open here and was renewed.
 */
export function findRoute(routes: Routes | undefined, request: RouteRequest): Route | undefined {
  const { leaseId, countOf, identityOf, connectionsPerLease = Infinity } = request;
  for (const { lease, worker, ended } of routes?.leases ?? []) {
    const isOwn = lease === leaseId || lease.startsWith(`${leaseId}-`);
    const isSure = worker !== undefined && worker.identity === identityOf(lease);
    if (isOwn && ended === undefined && isSure && countOf(lease) < connectionsPerLease) return { lease, worker };
  }
  return undefined;
}

/** Routes of a pool of another UID say nothing of this one. */
export const readRoutesOf = (uid: string, routes: Routes | undefined): Routes | undefined =>
  routes?.poolUID === uid ? routes : undefined;

/** Why connections of a lease end. */
export const findEnded = (routes: Routes | undefined): ReadonlyMap<string, string> =>
  new Map((routes?.leases ?? []).flatMap(({ lease, ended }) => (ended === undefined ? [] : [[lease, ended] as const])));

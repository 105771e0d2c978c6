/** What gateways of a pool are to know: the worker of each lease, and which leases have ended. No I/O. No clock. */
import { PORTS } from '../../api/names.ts';
import type { Routes } from '../../api/routes.ts';
import type { LeasedWorker } from '../../api/http/leases.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { isRevoked } from '../access/revocation.ts';
import { issuedAtMsOf, leaseIdOf, isExpired, principalOf } from '../allocation/lease.ts';
import { isReady, isResolved, leaseUidOf } from '../allocation/worker.ts';
import type { Lease } from './cluster-objects.ts';
import { holds, leasesOf } from './leases.ts';
import type { ObservedPool } from './observed.ts';

export interface RouteSettings {
  readonly clusterFqdn: string;
  /** UIDs of the Leases whose principals may use the pool no more, see `mayUse`. */
  readonly refused: ReadonlySet<string>;
  readonly nextDueAt: Date | undefined;
}

type Route = Routes['leases'][number];

/** Undefined where there is no pool. Sorted, so that the same routes are the same text. */
export function planRoutes(observed: ObservedPool, now: Date, settings: RouteSettings): Routes | undefined {
  const { pool } = observed;
  if (pool === undefined) return undefined;
  const byLease = new Map(observed.workers.map((worker) => [leaseUidOf(worker) ?? '', worker]));
  const leases = leasesOf(pool, observed.leases)
    .filter((lease) => !isExpired(lease, now))
    .map((lease) => makeRoute(lease, byLease.get(lease.metadata.uid), { pool, ...settings }))
    .filter((route) => route !== undefined)
    .toSorted((left, right) => (left.lease < right.lease ? -1 : 1));
  const due = settings.nextDueAt === undefined ? {} : { nextDueAt: settings.nextDueAt.toISOString() };
  return { poolUID: pool.metadata.uid, ...due, leases };
}

interface RouteFacts extends RouteSettings {
  readonly pool: Pool;
}

function makeRoute(lease: Lease, worker: Worker | undefined, facts: RouteFacts): Route | undefined {
  const id = leaseIdOf(facts.pool.metadata.name, lease);
  if (id === undefined) return undefined;
  const ended = findEnd(lease, worker, facts);
  if (ended !== undefined) return { lease: id, ended };
  const isRouted = worker !== undefined && holds(worker, lease) && isReady(worker);
  return { lease: id, ...(isRouted ? { worker: toLeasedWorker(worker, facts.clusterFqdn) } : {}) };
}

function findEnd(lease: Lease, worker: Worker | undefined, { pool, refused }: RouteFacts): string | undefined {
  const principal = principalOf(lease);
  if (isRevoked(pool.spec.access, { principal, issuedAtMs: issuedAtMsOf(lease) })) return ENDED.revoked;
  if (refused.has(lease.metadata.uid)) return ENDED.forbidden;
  return worker !== undefined && !isResolved(worker) ? ENDED.worker : undefined;
}

/** What clients are shown. */
export const ENDED = {
  revoked: 'the owner of the pool revoked the certificate',
  forbidden: 'the holder of the certificate may use the pool no more',
  worker: 'the worker of the certificate may serve the pool no more',
  over: 'the lease is over',
} as const;

/** @throws {TypeError} for a worker without an address, which nobody is sent to. */
export function toLeasedWorker({ metadata, status }: Worker, clusterFqdn: string): LeasedWorker {
  const { namespace, name, uid } = metadata;
  if (status?.podIP === undefined) throw new TypeError(`worker ${namespace}/${name}: expected an address`);
  const host = status.podIP.includes(':') ? `[${status.podIP}]` : status.podIP;
  return {
    name,
    namespace,
    address: `${host}:${PORTS.worker}`,
    identity: `buildkit://${clusterFqdn}/ns/${namespace}/worker/${name}/uid/${uid}`,
  };
}

/** Finds the live leases whose holders may use the pool no more. */
import { maxRememberedReviews, reviewCacheMs } from '../../api/limits/lifecycle.ts';
import { maxParallelWorkerCalls } from '../../api/limits/status.ts';
import type { PoolAccess, UserInfo } from '../../api/review.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Labels } from '../../core/access/label-selector.ts';
import { domainOf, isExpired, principalOf } from '../../core/allocation/lease.ts';
import type { NamedPrincipal } from '../../core/allocation/principal.ts';
import { mayUse } from '../../core/allocation/use.ts';
import type { Lease } from '../../core/lifecycle/cluster-objects.ts';
import { leasesOf } from '../../core/lifecycle/leases.ts';
import { putLast } from '../../core/bounded-map.ts';
import { forEachAtOnce } from '../../core/parallel.ts';
import { OIDC_PREFIX } from '../../core/principal.ts';

export interface RefusedPorts {
  /** Undefined where there is no such namespace. Rejects when nobody can say now. */
  readonly getNamespaceLabels: (namespace: string) => Promise<Labels | undefined>;
  /** Rejects when nobody can say now. */
  readonly reviewAccess: ReviewAccess;
  /** SHA-256, lower-case hexadecimal. */
  readonly sha256: (text: string) => string;
  readonly now: () => Date;
}

type ReviewAccess = (user: UserInfo, access: PoolAccess) => Promise<boolean>;

/** UIDs of Leases. */
export function createRefusedFinder(
  ports: RefusedPorts,
): (pool: Pool, leases: readonly Lease[]) => Promise<ReadonlySet<string>> {
  const reviewAccess = rememberGranted(ports.reviewAccess, ports.now);

  return async (pool, leases) => {
    const refused = new Set<string>();
    const isPermitted = (named: NamedPrincipal) =>
      mayUse(named, pool, {
        ...ports,
        reviewAccess,
        getPool: () => Promise.resolve(pool),
        // Others than selectors look at no label, and every renewal asks whether the namespace is there.
        getNamespaceLabels: isSelecting(pool) ? ports.getNamespaceLabels : () => Promise.resolve({}),
        getOidcConfig: () => Promise.resolve(undefined),
      });
    await forEachAtOnce(groupByPrincipal(pool, leases, ports.now()), maxParallelWorkerCalls, async (group) => {
      if (await isPermitted(group.named)) return;
      for (const { metadata } of group.leases) refused.add(metadata.uid);
    });
    return refused;
  };
}

const isSelecting = ({ spec }: Pool): boolean => spec.access?.clients?.namespaces?.from === 'Selector';

interface OfPrincipal {
  readonly named: NamedPrincipal;
  readonly leases: Lease[];
}

/** Whom an OIDC issuer vouches for is judged at renewals: lifecycle reads no OIDC configs. */
function groupByPrincipal(pool: Pool, leases: readonly Lease[], now: Date): readonly OfPrincipal[] {
  const groups = new Map<string, OfPrincipal>();
  for (const lease of leasesOf(pool, leases)) {
    const named = { principal: principalOf(lease), domain: domainOf(lease) ?? '' };
    if (isExpired(lease, now) || named.principal.startsWith(OIDC_PREFIX)) continue;
    const key = JSON.stringify(named);
    const group = groups.get(key) ?? { named, leases: [] };
    group.leases.push(lease);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Every renewal of a lease is an event, and RBAC sends none: a yes of the authorizer counts for `reviewCacheMs`. */
function rememberGranted(review: ReviewAccess, now: () => Date): ReviewAccess {
  const grantedUntilMs = new Map<string, number>();
  return async (user, access) => {
    const key = JSON.stringify([user, access]);
    const nowMs = now().getTime();
    if ((grantedUntilMs.get(key) ?? 0) > nowMs) return true;
    const isGranted = await review(user, access);
    if (isGranted) putLast(grantedUntilMs, [key, nowMs + reviewCacheMs], maxRememberedReviews);
    else grantedUntilMs.delete(key);
    return isGranted;
  };
}

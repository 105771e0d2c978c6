/**
 * Whether a client may build on a pool: the same namespace, the pool's rules, its grant to namespaces, and last a
 * review, in this order.
 *
 * Whom an OIDC issuer vouches for lives in no namespace: only rules and reviews let it in, only where the pool trusts
 * the issuer, and only to pools that its token is for.
 *
 * A pool of another namespace is always read first, whether it exists or not, so that neither the answer nor what it
 * costs reveals pools to a stranger.
 */
import { VERBS } from '../../api/names.ts';
import type { PoolAccess, UserInfo } from '../../api/review.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolKey } from '../pool-reference.ts';
import { isClientGranted } from './grant.ts';
import type { Labels } from './label-selector.ts';
import { isTrusted } from '../oidc/trust.ts';
import type { Principal } from '../principal.ts';
import { isClaimed, isNamed } from './rules.ts';

export interface UsablePool {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string | undefined };
  readonly spec: Pool['spec'];
}

/** Each call throws when there is no answer to be had. */
export interface UsePorts {
  readonly getPool: (key: PoolKey) => Promise<UsablePool | undefined>;
  readonly reviewAccess: (user: UserInfo, access: PoolAccess) => Promise<boolean>;
}

export interface Client {
  readonly principal: Principal;
  /** Only of a ServiceAccount: its namespace, and the labels of that namespace where it exists and they were read. */
  readonly origin?: { readonly namespace: string; readonly labels: Labels | undefined };
}

export interface UseDecision {
  readonly isPermitted: boolean;
  /** Undefined where there is none. */
  readonly pool: UsablePool | undefined;
}

export async function judgeUse(key: PoolKey, client: Client, ports: UsePorts): Promise<UseDecision> {
  const pool = await ports.getPool(key);
  const { principal } = client;
  const isWelcome = isHeard(pool, key, principal);
  if (isWelcome && isLetIn(pool, key, client)) return { isPermitted: true, pool };
  // Asked even where the answer changes nothing: what a refusal costs is the same.
  const isReviewed = await ports.reviewAccess(principal.user, { verb: VERBS.use, ...key });
  return { isPermitted: isWelcome && isReviewed, pool };
}

/** Whether the pool takes the word of who vouches for the principal, and that word is about this pool. */
const isHeard = (pool: UsablePool | undefined, key: PoolKey, principal: Principal): boolean =>
  principal.vouched === undefined || (isTrusted(key, pool, principal.vouched.by) && isClaimed(principal, key));

/** By the owner's word alone. */
function isLetIn(pool: UsablePool | undefined, key: PoolKey, { principal, origin }: Client): boolean {
  if (principal.vouched !== undefined) return isNamed(pool?.spec.access, principal, key);
  if (origin === undefined) return false;
  const { namespace, labels } = origin;
  // An own pool that is not there is no secret: the caller is told, by a right it has over any pool there.
  if (pool === undefined) return namespace === key.namespace;
  const { access } = pool.spec;
  const isOriginKnown = namespace === key.namespace || labels !== undefined;
  const guest = { poolNamespace: key.namespace, namespace, labels: labels ?? {} };
  return isNamed(access, principal, key) || (isOriginKnown && isClientGranted(access, guest));
}

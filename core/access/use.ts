/**
 * Whether a client may build on a pool: the same namespace, the pool's rules, its grant to namespaces, and last a
 * review, in this order.
 *
 * A pool of another namespace is always read first, whether it exists or not, so that neither the answer nor what it
 * costs tells a stranger of pools.
 */
import { VERBS } from '../../api/names.ts';
import type { PoolAccess, UserInfo } from '../../api/review.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolKey } from '../pool-reference.ts';
import { isClientGranted } from './grant.ts';
import type { Labels } from './label-selector.ts';
import { isNamed } from './rules.ts';

export interface UsablePool {
  readonly metadata: { readonly uid: string };
  readonly spec: Pool['spec'];
}

/** Each call throws when there is no answer to be had. */
export interface UsePorts {
  readonly getPool: (key: PoolKey) => Promise<UsablePool | undefined>;
  readonly reviewAccess: (user: UserInfo, access: PoolAccess) => Promise<boolean>;
}

export interface Client {
  readonly user: UserInfo;
  /** Of a ServiceAccount alone: the namespace it lives in, and its labels where it is there and was asked for. */
  readonly home?: { readonly namespace: string; readonly labels: Labels | undefined };
}

export interface UseVerdict {
  readonly isPermitted: boolean;
  /** Undefined where there is none. */
  readonly pool: UsablePool | undefined;
}

export async function judgeUse(key: PoolKey, client: Client, ports: UsePorts): Promise<UseVerdict> {
  const pool = await ports.getPool(key);
  const isPermitted =
    isLetIn(pool, key, client) || (await ports.reviewAccess(client.user, { verb: VERBS.use, ...key }));
  return { isPermitted, pool };
}

/** By the owner's word alone. */
function isLetIn(pool: UsablePool | undefined, key: PoolKey, { user, home }: Client): boolean {
  if (home === undefined) return false;
  const { namespace, labels } = home;
  // An own pool that is not there is no secret: the caller is told, by a right it has over any pool there.
  if (pool === undefined) return namespace === key.namespace;
  const { access } = pool.spec;
  const isHomeKnown = namespace === key.namespace || labels !== undefined;
  const guest = { poolNamespace: key.namespace, namespace, labels: labels ?? {} };
  return isNamed(access, user.username, key) || (isHomeKnown && isClientGranted(access, guest));
}

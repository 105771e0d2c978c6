/**
 * Whether a worker may refer to a pool: the rules in order, and what each costs.
 *
 * For a pool of another namespace the same things are asked in the same order whatever exists, so that neither the
 * answer nor its price tells a stranger of pools and namespaces.
 */
import { VERBS } from '../../api/names.ts';
import type { PoolAccess, UserInfo } from '../../api/review.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { isGranted } from '../access/grant.ts';
import type { Labels } from '../access/label-selector.ts';
import type { PoolKey } from '../pool-reference.ts';

/** Each call throws when there is no answer to be had. */
export interface ReferencePorts {
  readonly getPool: (pool: PoolKey) => Promise<Pick<Pool, 'spec'> | undefined>;
  /** Undefined where there is no such namespace. */
  readonly getNamespaceLabels: (namespace: string) => Promise<Labels | undefined>;
  readonly reviewAccess: (user: UserInfo, access: PoolAccess) => Promise<boolean>;
  /**
   * Whether who may `attach` to a pool may refer to it without a grant. Off where an agent that may do everything
   * creates the workers of all tenants: its right would open every pool to each of them.
   */
  readonly isAttachCounted: boolean;
}

export interface Referrer {
  /** Where the worker lives. */
  readonly namespace: string;
  readonly user: UserInfo;
}

export type ReferenceDecision = 'permitted' | 'permitted but absent' | 'not permitted';

export const judgeReference = async (
  pool: PoolKey,
  referrer: Referrer,
  ports: ReferencePorts,
): Promise<ReferenceDecision> =>
  pool.namespace === referrer.namespace ? decide(await ports.getPool(pool)) : await judgeForeign(pool, referrer, ports);

async function judgeForeign(
  key: PoolKey,
  { namespace, user }: Referrer,
  ports: ReferencePorts,
): Promise<ReferenceDecision> {
  const [pool, labels] = await Promise.all([ports.getPool(key), ports.getNamespaceLabels(namespace)]);
  const guest = { poolNamespace: key.namespace, namespace, labels: labels ?? {} };
  if (labels !== undefined && isGranted(pool?.spec.access, guest)) return 'permitted';
  if (!ports.isAttachCounted) return 'not permitted';
  return (await ports.reviewAccess(user, { verb: VERBS.attach, ...key })) ? decide(pool) : 'not permitted';
}

const decide = (pool: unknown): ReferenceDecision => (pool === undefined ? 'permitted but absent' : 'permitted');

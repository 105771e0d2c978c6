/** `spec.access.clients.rules` of a pool: who may build on it, by name. No I/O. */
import type { Pool } from '../../api/v1beta1/pool.ts';
import { formatPoolKey, type PoolKey } from '../pool-reference.ts';
import { formatVoucher, OIDC_PREFIX, type Principal, type Vouched } from '../principal.ts';

type Access = Pool['spec']['access'];

/**
 * Whether a rule of this pool names the principal.
 *
 * - `system:serviceaccount:...` names ServiceAccounts, and these alone;
 * - `oidc:<namespace>/<config>:<value>` names those whom that config vouches for, each side of the colon on its own;
 * - what begins otherwise names by value alone those whom the pool itself or a config of its own namespace vouches for.
 *
 * So `*` alone lets in no ServiceAccount, and nobody whom a foreign config vouches for.
 */
export const isNamed = (access: Access, principal: Principal, pool: PoolKey): boolean =>
  (access?.clients?.rules ?? []).some(
    ({ users, pools }) => isForPool(pools, pool) && users.some((pattern) => names(pattern, principal, pool)),
  );

const serviceAccountPrefix = 'system:serviceaccount:';

function names(pattern: string, { user, vouched }: Principal, pool: PoolKey): boolean {
  if (vouched === undefined) return pattern.startsWith(serviceAccountPrefix) && matches(pattern, user.username);
  if (pattern.startsWith(OIDC_PREFIX)) return namesVouched(pattern.slice(OIDC_PREFIX.length), vouched);
  return !pattern.startsWith(systemPrefix) && isOwn(vouched, pool) && matches(pattern, vouched.value);
}

/** Of Kubernetes' own users, whatever an issuer may call its. */
const systemPrefix = 'system:';

/** Divided at the first colon, as the name is: no value can pass for a part of what stands before it. */
function namesVouched(pattern: string, { by, value }: Vouched): boolean {
  const end = pattern.indexOf(':');
  return end >= 0 && matches(pattern.slice(0, end), formatVoucher(by)) && matches(pattern.slice(end + 1), value);
}

const isOwn = ({ by }: Vouched, pool: PoolKey): boolean => by.kind === 'inline' || by.namespace === pool.namespace;

/** Whether the token is for the pool, where it says for which: it never reaches one that is closed to its holder. */
export const isClaimed = ({ vouched }: Principal, pool: PoolKey): boolean => isForPool(vouched?.pools, pool);

/** A rule narrows the pool it stands in: it never reaches another. */
const isForPool = (patterns: readonly string[] | undefined, pool: PoolKey): boolean =>
  patterns === undefined ||
  patterns.some((pattern) => matches(pattern, pool.name) || matches(pattern, formatPoolKey(pool)));

/** `*` stands for any text. Each piece is sought once, from the left: the time grows with the lengths alone. */
export function matches(pattern: string, text: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  const last = others.pop();
  if (last === undefined) return pattern === text;
  if (!text.startsWith(first)) return false;
  let from = first.length;
  for (const piece of others) {
    const found = text.indexOf(piece, from);
    if (found < 0) return false;
    from = found + piece.length;
  }
  return text.length - last.length >= from && text.endsWith(last);
}

/** `spec.access.clients.rules` of a pool: who may build on it, by name. No I/O. */
import type { Pool } from '../../api/v1beta1/pool.ts';
import { formatPoolKey, type PoolKey } from '../pool-reference.ts';

type Access = Pool['spec']['access'];

/**
 * Whether a rule of this pool names the principal. Only a pattern that says where principals come from matches one:
 * `system:serviceaccount:...`. So `*` alone, or the name of a user of some issuer, lets in no ServiceAccount.
 */
export const isNamed = (access: Access, serviceAccount: string, pool: PoolKey): boolean =>
  (access?.clients?.rules ?? []).some(
    ({ users, pools }) =>
      isForPool(pools, pool) &&
      users.some((pattern) => pattern.startsWith(serviceAccountPrefix) && matches(pattern, serviceAccount)),
  );

const serviceAccountPrefix = 'system:serviceaccount:';

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

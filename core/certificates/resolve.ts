/** Which pools the names of a request mean. No I/O. */
import type { FieldError } from '../../api/http/problem.ts';
import { formatPoolKey, type PoolKey } from '../pool-reference.ts';
import { err, ok, type Result } from '../result.ts';

export interface ResolvedPool {
  readonly key: PoolKey;
  /** Every name it was asked by, in the order of the request. */
  readonly names: readonly string[];
}

/**
 * Each pool once, however often and by whatever name it was asked for.
 * A bare name means `namespace`, the one that follows from the caller's token; callers that have none must write it.
 */
export function resolvePools(
  names: readonly string[],
  namespace: string | undefined,
): Result<readonly ResolvedPool[], readonly FieldError[]> {
  const pools = new Map<string, { key: PoolKey; names: string[] }>();
  const errors: FieldError[] = [];
  for (const [index, asked] of names.entries()) {
    const key = toPoolKey(asked, namespace);
    if (key === undefined) {
      errors.push({
        field: `pools[${index}]`,
        expected: '<namespace>/<pool>, since no namespace follows from the token',
        got: JSON.stringify(asked),
      });
      continue;
    }
    const id = formatPoolKey(key);
    const pool = pools.get(id) ?? { key, names: [] };
    pools.set(id, pool);
    if (!pool.names.includes(asked)) pool.names.push(asked);
  }
  return errors.length > 0 ? err(errors) : ok([...pools.values()]);
}

function toPoolKey(asked: string, namespace: string | undefined): PoolKey | undefined {
  const [first = '', second] = asked.split('/');
  if (second !== undefined) return { namespace: first, name: second };
  return namespace === undefined ? undefined : { namespace, name: first };
}

/** Whether a name leaves the namespace open. */
export const isBareName = (asked: string): boolean => !asked.includes('/');

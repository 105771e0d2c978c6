/** Whose word a pool takes. No I/O. */
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolKey } from '../pool-reference.ts';
import type { Voucher } from '../principal.ts';

/** A pool as far as it says whom it trusts; where there is none, as if it said nothing. */
export interface Trusting {
  readonly metadata: { readonly uid: string };
  readonly spec: Pick<Pool['spec'], 'access'>;
}

/**
 * A config counts where the pool lists it; a pool that lists none trusts those of its own namespace and of the
 * controller's. An issuer that a pool names itself counts for that pool alone, and not for another of the same name.
 */
export function isTrusted(key: PoolKey, pool: Trusting | undefined, by: Voucher): boolean {
  if (by.kind === 'inline') return isSamePool(key, by.pool) && pool?.metadata.uid === by.uid;
  const refs = pool?.spec.access?.oidc?.configRefs ?? [];
  if (refs.length === 0) return by.namespace === key.namespace || by.namespace === SYSTEM_NAMESPACE;
  return refs.some(({ name, namespace = key.namespace }) => name === by.name && namespace === by.namespace);
}

const isSamePool = (left: PoolKey, right: PoolKey): boolean =>
  left.namespace === right.namespace && left.name === right.name;

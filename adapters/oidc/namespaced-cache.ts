/** A cache of issuers in which no namespace evicts the entries of others. No I/O. */
import { maxRememberedIssuers, maxRememberedIssuersPerNamespace } from '../../api/limits/issuers.ts';

export interface CacheKey {
  readonly namespace: string;
  readonly id: string;
}

export interface NamespacedCache<T> {
  readonly get: (cacheKey: CacheKey) => T | undefined;
  /** The entries of a namespace, the oldest first. */
  readonly list: (namespace: string) => readonly T[];
  /** Evicts what is above the limits: the oldest of this namespace, then the oldest of the largest namespace. */
  readonly put: (cacheKey: CacheKey, value: T) => void;
}

export function createNamespacedCache<T>(): NamespacedCache<T> {
  const byNamespace = new Map<string, Map<string, T>>();
  let total = 0;

  function forget(namespace: string, id: string): void {
    const own = byNamespace.get(namespace);
    if (own?.delete(id) === true) total -= 1;
    if (own?.size === 0) byNamespace.delete(namespace);
  }

  function forgetOldest(namespace: string): void {
    const [id] = byNamespace.get(namespace)?.keys() ?? [];
    if (id !== undefined) forget(namespace, id);
  }

  return {
    get: ({ namespace, id }) => byNamespace.get(namespace)?.get(id),
    list: (namespace) => [...(byNamespace.get(namespace)?.values() ?? [])],
    put: ({ namespace, id }, value) => {
      forget(namespace, id);
      const own = byNamespace.get(namespace) ?? new Map<string, T>();
      byNamespace.set(namespace, own.set(id, value));
      total += 1;
      if (own.size > maxRememberedIssuersPerNamespace) forgetOldest(namespace);
      else if (total > maxRememberedIssuers) forgetOldest(findLargest(byNamespace));
    },
  };
}

function findLargest(byNamespace: ReadonlyMap<string, ReadonlyMap<string, unknown>>): string {
  let largest = '';
  for (const [namespace, { size }] of byNamespace) {
    if (size > (byNamespace.get(largest)?.size ?? 0)) largest = namespace;
  }
  return largest;
}

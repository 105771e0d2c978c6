/** Keys of issuers, fetched when they are needed and cached for a while. */
import {
  issuerKeysBusyCacheMs,
  issuerKeysCacheMs,
  issuerRefetchMs,
  maxParallelFetches,
  maxParallelFetchesPerNamespace,
  maxRememberedIssuersPerNamespace,
} from '../../api/limits/issuers.ts';
import type { JsonObject } from '../../core/json.ts';
import { discoveryUrl, readDiscovery, readKeySet } from '../../core/oidc/discovery.ts';
import type { FetchFault } from '../../core/oidc/fetch-fault.ts';
import type { TrustedIssuer } from '../../core/oidc/trusted-issuer.ts';
import { err, type Result } from '../../core/result.ts';
import type { FetchDocument } from './fetch.ts';
import { createNamespacedCache, type CacheKey } from './namespaced-cache.ts';

export type KeySet = Result<readonly JsonObject[], FetchFault>;

export interface IssuerKeys {
  /** From the cache, or fetched now. */
  readonly read: (issuer: TrustedIssuer) => Promise<KeySet>;
  /** For a key that is not in the cache: asks the issuer, unless it was asked within `issuerRefetchMs`. */
  readonly readAnew: (issuer: TrustedIssuer) => Promise<KeySet>;
}

interface Entry {
  readonly keys: KeySet;
  /** When these came, and when the issuer was asked last. */
  readonly atMs: number;
  readonly askedAtMs: number;
}

/** An issuer is asked at most once in `issuerRefetchMs`, however it answers and however many ask. */
export function createIssuerKeys(fetchDocument: FetchDocument, now: () => number): IssuerKeys {
  const remembered = createNamespacedCache<Entry>();
  const running = new Map<string, Promise<KeySet>>();
  const slots = createSlots();

  async function fetchAndRemember(issuer: TrustedIssuer): Promise<KeySet> {
    const cacheKey = cacheKeyOf(issuer);
    if (!hasCapacity(cacheKey)) return err('busy');
    const keys = await slots.use(cacheKey.namespace, () => fetchKeys(issuer, fetchDocument));
    // What never left this process says nothing about the issuer.
    if (!keys.ok && keys.error === 'busy') return keys;
    const known = remembered.get(cacheKey);
    // A stranger's unknown key id made us ask: that must not cost the keys that are good.
    const entry = !keys.ok && known !== undefined && isFresh(known) ? known : { keys, atMs: now() };
    remembered.put(cacheKey, { ...entry, askedAtMs: now() });
    return entry.keys;
  }

  const isFresh = ({ keys, atMs }: Entry): boolean => keys.ok && now() - atMs < issuerKeysCacheMs;
  const wasJustAsked = ({ askedAtMs }: Entry): boolean => now() - askedAtMs < issuerRefetchMs;

  /** Refuses a fetch that would evict an entry of the namespace before its issuer may be asked again. */
  function hasCapacity({ namespace, id }: CacheKey): boolean {
    if (remembered.get({ namespace, id }) !== undefined) return true;
    const own = remembered.list(namespace);
    if (own.length + maxParallelFetchesPerNamespace <= maxRememberedIssuersPerNamespace) return true;
    // All that are asked at once may push out one each.
    return !own.slice(0, maxParallelFetchesPerNamespace).some(wasJustAsked);
  }

  function fetchOnce(issuer: TrustedIssuer): Promise<KeySet> {
    const known = running.get(issuer.id);
    if (known !== undefined) return known;
    const fetching = fetchAndRemember(issuer).finally(() => running.delete(issuer.id));
    running.set(issuer.id, fetching);
    return fetching;
  }

  async function readUnless(isEnough: (entry: Entry) => boolean, issuer: TrustedIssuer): Promise<KeySet> {
    const entry = remembered.get(cacheKeyOf(issuer));
    return entry !== undefined && isEnough(entry) ? entry.keys : await fetchOnce(issuer);
  }

  async function read(issuer: TrustedIssuer): Promise<KeySet> {
    const keys = await readUnless((entry) => isFresh(entry) || (!entry.keys.ok && wasJustAsked(entry)), issuer);
    if (keys.ok || keys.error !== 'busy') return keys;
    // Others keep this process busy, which says nothing about keys that were valid until now.
    const known = remembered.get(cacheKeyOf(issuer));
    return known?.keys.ok === true && now() - known.atMs < issuerKeysBusyCacheMs ? known.keys : keys;
  }

  return { read, readAnew: (issuer) => readUnless(wasJustAsked, issuer) };
}

const cacheKeyOf = ({ by, id }: TrustedIssuer): CacheKey => ({
  namespace: by.kind === 'config' ? by.namespace : by.pool.namespace,
  id,
});

async function fetchKeys({ terms: { issuer }, mayBePrivate }: TrustedIssuer, fetchDocument: FetchDocument) {
  const url = discoveryUrl(issuer, mayBePrivate);
  if (!url.ok) return url;
  const document = await fetchDocument(url.value, mayBePrivate);
  if (!document.ok) return document;
  const keysUrl = readDiscovery(document.value, issuer, mayBePrivate);
  if (!keysUrl.ok) return keysUrl;
  const keys = await fetchDocument(keysUrl.value, mayBePrivate);
  return keys.ok ? readKeySet(keys.value) : keys;
}

/** Nobody waits for a slot: what waits could be made to wait for ever. */
function createSlots() {
  const taken = new Map<string, number>();
  let total = 0;
  const count = (namespace: string, change: 1 | -1): void => {
    const left = (taken.get(namespace) ?? 0) + change;
    if (left === 0) taken.delete(namespace);
    else taken.set(namespace, left);
    total += change;
  };
  return {
    use: async (namespace: string, work: () => Promise<KeySet>): Promise<KeySet> => {
      const isFull = total >= maxParallelFetches || (taken.get(namespace) ?? 0) >= maxParallelFetchesPerNamespace;
      if (isFull) return err('busy');
      count(namespace, 1);
      try {
        return await work();
      } finally {
        count(namespace, -1);
      }
    },
  };
}

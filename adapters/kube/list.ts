/** All objects of a collection, page by page. */
import { listPageSize } from '../../api/limits/kubernetes.ts';
import type { KubeCall, KubeClient } from './client.ts';

export interface Listed<T> {
  readonly items: readonly T[];
  /** A watch from here misses nothing. */
  readonly resourceVersion: string;
}

interface Page<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[] | null;
}

export interface FirstPage<T> {
  readonly items: readonly T[];
  /** Whether there are no others. */
  readonly isComplete: boolean;
}

/** The first page alone, for an answer that must not cost more however much there is. @throws {KubeError} */
export async function listPage<T>(
  kube: Pick<KubeClient, 'call'>,
  { path, query }: Pick<KubeCall, 'path' | 'query'>,
): Promise<FirstPage<T>> {
  const page = (await kube.call({ path, query: { ...query, limit: String(listPageSize) } })) as Page<T>;
  return { items: page.items ?? [], isComplete: (page.metadata.continue ?? '') === '' };
}

export interface ListCall extends Pick<KubeCall, 'path' | 'query'> {
  /**
   * The state at this resource version or later, from the apiserver's cache; as it is now when absent, for which the cache
   * waits up to 100 ms where other objects change (Kubernetes 1.36, measured).
   */
  readonly notOlderThan?: string | undefined;
}

/**
 * One consistent state, however many pages; of each object only what `keep` returns is held.
 * @throws {KubeError} with status 410 when the pages took too long.
 */
export async function listAll<T, K = T>(
  kube: Pick<KubeClient, 'call'>,
  { path, query, notOlderThan }: ListCall,
  keep: (item: T) => K,
): Promise<Listed<K>> {
  const items: K[] = [];
  const first =
    notOlderThan === undefined ? {} : { resourceVersion: notOlderThan, resourceVersionMatch: 'NotOlderThan' };
  let token: string | undefined = '';
  let resourceVersion = '';
  while (token !== undefined) {
    // The token says which state the next pages are of.
    const state = token === '' ? first : { continue: token };
    const page = (await kube.call({
      path,
      query: { ...query, limit: String(listPageSize), ...state },
    })) as Page<T>;
    for (const item of page.items ?? []) items.push(keep(item));
    resourceVersion = page.metadata.resourceVersion;
    token = page.metadata.continue === '' ? undefined : page.metadata.continue;
  }
  return { items, resourceVersion };
}

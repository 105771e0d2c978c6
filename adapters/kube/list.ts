/** All objects of a collection, page by page. */
import { listPageSize } from '../../api/limits.ts';
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

/**
 * One consistent state, however many pages; of each object only what `keep` returns is held.
 * @throws {KubeError} with status 410 when the pages took too long.
 */
export async function listAll<T>(
  kube: KubeClient,
  { path, query }: Pick<KubeCall, 'path' | 'query'>,
  keep: (item: T) => T,
): Promise<Listed<T>> {
  const items: T[] = [];
  let token: string | undefined = '';
  let resourceVersion = '';
  while (token !== undefined) {
    const paging = { limit: String(listPageSize), ...(token === '' ? {} : { continue: token }) };
    const page = (await kube.call({ path, query: { ...query, ...paging } })) as Page<T>;
    for (const item of page.items ?? []) items.push(keep(item));
    resourceVersion = page.metadata.resourceVersion;
    token = page.metadata.continue === '' ? undefined : page.metadata.continue;
  }
  return { items, resourceVersion };
}

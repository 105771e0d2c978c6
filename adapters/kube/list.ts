/** All objects of a collection, in pages that are bounded in bytes: a page shrinks where objects are large. */
import { listPageSize, maxListPageBytes, maxObjectBytes } from '../../api/limits/kubernetes.ts';
import type { Kube } from './api.ts';
import { KubeError } from './errors.ts';

export interface Listed<T> {
  readonly items: readonly T[];
  /** A watch from here misses nothing. */
  readonly resourceVersion: string;
}

export interface Page<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[] | null;
}

/** The parameters of a page, as the library's API classes name them. */
export interface PageQuery {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit: number;
  readonly _continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: string;
}

export interface Selection {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /**
   * The state at this resource version or later, from the apiserver's cache; as it is now when absent, for which the cache
   * waits up to 100 ms where other objects change (Kubernetes 1.36, measured).
   */
  readonly notOlderThan?: string | undefined;
}

export type ReadPage<T> = (page: PageQuery, options: { readonly maxBytes: number }) => Promise<Page<T>>;

/** A collection that no API class of the library serves, or that is watched. */
export interface Collection extends Selection {
  readonly path: string;
}

export const listAll = <T, K = T>(
  kube: Kube,
  { path, ...selection }: Collection,
  keep: (item: T) => K,
): Promise<Listed<K>> => listPages(readPageOf<T>(kube, path), selection, keep);

const readPageOf =
  <T>(kube: Kube, path: string): ReadPage<T> =>
  ({ _continue: token, limit, ...query }, { maxBytes }) => {
    const state = token === undefined ? {} : { continue: token };
    return kube.call({ path, query: { ...query, ...state, limit: String(limit) }, maxBytes }) as Promise<Page<T>>;
  };

export interface FirstPage<T> {
  readonly items: readonly T[];
  /** Whether there are no others. */
  readonly isComplete: boolean;
}

/** The first page alone, for an answer that must not cost more however much there is. @throws {KubeError} */
export async function readFirstPage<T>(readPage: ReadPage<T>, selection: Selection): Promise<FirstPage<T>> {
  const { page } = await readFitting(readPage, { ...select(selection), limit: listPageSize });
  return { items: page.items ?? [], isComplete: (page.metadata.continue ?? '') === '' };
}

/**
 * One consistent state, however many pages; of each object only what `keep` returns is held.
 * @throws {KubeError} with status 410 when the pages took too long.
 */
export async function listPages<T, K>(
  readPage: ReadPage<T>,
  selection: Selection,
  keep: (item: T) => K,
): Promise<Listed<K>> {
  const items: K[] = [];
  let query = select(selection);
  let limit = listPageSize;
  for (;;) {
    const { page, fitted } = await readFitting(readPage, { ...query, limit });
    for (const item of page.items ?? []) items.push(keep(item));
    const { continue: token = '', resourceVersion } = page.metadata;
    if (token === '') return { items, resourceVersion };
    // The token says which state the next pages are of.
    query = { ...select({ ...selection, notOlderThan: undefined }), _continue: token };
    limit = Math.min(listPageSize, fitted * pageGrowth);
  }
}

const select = ({ notOlderThan, ...selectors }: Selection): Omit<PageQuery, 'limit'> =>
  notOlderThan === undefined
    ? selectors
    : { ...selectors, resourceVersion: notOlderThan, resourceVersionMatch: 'NotOlderThan' };

const pageShrink = 4;
const pageGrowth = 2;

/** The largest page that fits, and of how many objects it may be; an object alone may have any size there is. */
async function readFitting<T>(
  readPage: ReadPage<T>,
  query: PageQuery,
): Promise<{ readonly page: Page<T>; readonly fitted: number }> {
  for (let { limit } = query; ; limit = Math.ceil(limit / pageShrink)) {
    try {
      const maxBytes = limit === 1 ? maxObjectBytes : maxListPageBytes;
      return { page: await readPage({ ...query, limit }, { maxBytes }), fitted: limit };
    } catch (error) {
      if (limit === 1 || !(error instanceof KubeError && error.reason === 'AnswerTooLarge')) throw error;
    }
  }
}

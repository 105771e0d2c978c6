/** Namespaces, as far as grants look at them. */
import { CoreV1Api } from '#client-node';
import type { Labels } from '../../core/access/label-selector.ts';
import { apiOf, type Kube } from './api.ts';
import { orUndefined } from './errors.ts';
import { readFirstPage, type Page } from './list.ts';

interface Namespace {
  readonly metadata: { readonly name: string; readonly labels?: Labels };
}

/** The labels; undefined where there is no such namespace. The reader throws KubeError when the apiserver can't say. */
export function createNamespaceReader(kube: Kube): (name: string) => Promise<Labels | undefined> {
  const core = apiOf(kube, CoreV1Api);
  return async (name) => {
    const namespace = await orUndefined(core.readNamespace({ name }));
    return namespace === undefined ? undefined : (namespace.metadata?.labels ?? {});
  };
}

/** Labels by namespace, of one page. The reader throws KubeError when the apiserver can't say. */
export const createNamespaceLister = (kube: Kube) => async (): Promise<ReadonlyMap<string, Labels>> => {
  const { items } = await readFirstPage<Namespace>(
    (page, options) => apiOf(kube, CoreV1Api, options).listNamespace(page) as Promise<Page<Namespace>>,
    {},
  );
  return new Map(items.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
};

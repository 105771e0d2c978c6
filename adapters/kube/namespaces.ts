/** Namespaces, as far as grants look at them. */
import type { Labels } from '../../core/access/label-selector.ts';
import { orUndefined, type KubeClient } from './client.ts';
import { listPage } from './list.ts';

interface Namespace {
  readonly metadata: { readonly name: string; readonly labels?: Labels };
}

/** The labels; undefined where there is no such namespace. The reader throws KubeError when the apiserver can't say. */
export const createNamespaceReader =
  (kube: Pick<KubeClient, 'call'>) =>
  async (name: string): Promise<Labels | undefined> => {
    const namespace = await orUndefined(kube.call({ path: `/api/v1/namespaces/${encodeURIComponent(name)}` }));
    return namespace === undefined ? undefined : ((namespace as Namespace).metadata.labels ?? {});
  };

/** Labels by namespace, of one page. The reader throws KubeError when the apiserver can't say. */
export const createNamespaceLister =
  (kube: Pick<KubeClient, 'call'>) => async (): Promise<ReadonlyMap<string, Labels>> => {
    const { items } = await listPage<Namespace>(kube, { path: '/api/v1/namespaces' });
    return new Map(items.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
  };

/** BuildKitPools, one at a time or all by name. */
import { maxObjectNameLength } from '../../api/limits/fields.ts';
import { KINDS } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import { listConfigKeys } from '../../core/status/refs.ts';
import { orUndefined, type KubeClient } from './client.ts';
import { listAll } from './list.ts';
import { ourCollectionPath, ourObjectPath } from './paths.ts';

/** The pool; undefined where there is none. The reader throws KubeError when the apiserver can't say. */
export const createPoolReader =
  (kube: Pick<KubeClient, 'call'>) =>
  async (key: PoolKey): Promise<Pool | undefined> => {
    // A name that nothing can have is not asked for: not every one of them can be written into a path.
    if (!isName(key.namespace) || !isName(key.name)) return undefined;
    return (await orUndefined(kube.call({ path: ourObjectPath(KINDS.pool.plural, key) }))) as Pool | undefined;
  };

/** @throws {KubeError} */
export async function listPoolKeys(kube: KubeClient): Promise<readonly PoolKey[]> {
  const { items } = await listAll<Pool>(kube, { path: ourCollectionPath(KINDS.pool.plural) }, keepKey);
  return items.map(({ metadata: { namespace, name } }) => ({ namespace, name }));
}

/** Pools that list an OIDC config of one of the namespaces. @throws {KubeError} */
export async function listReferrers(kube: KubeClient, namespaces: ReadonlySet<string>): Promise<readonly PoolKey[]> {
  const { items } = await listAll<Pool, PoolKey | undefined>(
    kube,
    { path: ourCollectionPath(KINDS.pool.plural) },
    (pool) => {
      const isReferrer = listConfigKeys(pool).some(({ namespace }) => namespaces.has(namespace));
      return isReferrer ? { namespace: pool.metadata.namespace, name: pool.metadata.name } : undefined;
    },
  );
  return items.filter((key) => key !== undefined);
}

const keepKey = ({ metadata }: Pool): Pool => ({ metadata, spec: {} });

/** A DNS subdomain, which every name of Kubernetes is. */
const isName = (text: string): boolean =>
  text.length <= maxObjectNameLength && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text);

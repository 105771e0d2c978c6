/** BuildKitPools, one at a time or all by name. */
import { KINDS } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import { orUndefined, type KubeClient } from './client.ts';
import { listAll } from './list.ts';
import { ourCollectionPath, ourObjectPath } from './paths.ts';

/** The pool; undefined where there is none. The reader throws KubeError when the apiserver can't say. */
export const createPoolReader =
  (kube: KubeClient) =>
  async (key: PoolKey): Promise<Pool | undefined> =>
    (await orUndefined(kube.call({ path: ourObjectPath(KINDS.pool.plural, key) }))) as Pool | undefined;

/** @throws {KubeError} */
export async function listPoolKeys(kube: KubeClient): Promise<readonly PoolKey[]> {
  const { items } = await listAll<Pool>(kube, { path: ourCollectionPath(KINDS.pool.plural) }, keepKey);
  return items.map(({ metadata: { namespace, name } }) => ({ namespace, name }));
}

const keepKey = ({ metadata }: Pool): Pool => ({ metadata, spec: {} });

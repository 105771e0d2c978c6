/** BuildKitPools, one at a time. */
import { KINDS } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import { orUndefined, type KubeClient } from './client.ts';
import { ourObjectPath } from './paths.ts';

/** The pool; undefined where there is none. The reader throws KubeError when the apiserver can't say. */
export const createPoolReader =
  (kube: KubeClient) =>
  async (key: PoolKey): Promise<Pool | undefined> =>
    (await orUndefined(kube.call({ path: ourObjectPath(KINDS.pool.plural, key) }))) as Pool | undefined;

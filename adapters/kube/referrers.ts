/** The workers that refer to a pool, as far as a warning counts them. */
import { KINDS } from '../../api/names.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { Referrers } from '../../core/admission/narrowing.ts';
import { formatPoolKey, poolOfWorker, type PoolKey } from '../../core/pool-reference.ts';
import type { KubeClient } from './client.ts';
import { listPage } from './list.ts';
import { ourCollectionPath } from './paths.ts';

/** The reader throws KubeError when the apiserver can't say. */
export const createReferrerReader =
  (kube: Pick<KubeClient, 'call'>) =>
  async (pool: PoolKey): Promise<Referrers> => {
    const { items, isComplete } = await listPage<Worker>(kube, {
      path: ourCollectionPath(KINDS.worker.plural),
      // Not by namespace: a worker from before admission may leave it out.
      query: { fieldSelector: `spec.poolRef.name=${pool.name}` },
    });
    const referrers = items.filter((worker) => formatPoolKey(poolOfWorker(worker)) === formatPoolKey(pool));
    return { namespaces: referrers.map(({ metadata }) => metadata.namespace), isComplete };
  };

/** The workers that refer to a pool, as far as a warning counts them. */
import type { Referrers } from '../../core/admission/narrowing.ts';
import { formatPoolKey, poolOfWorker, type PoolKey } from '../../core/pool-reference.ts';
import type { Kube } from './api.ts';
import { workers } from './resources.ts';

/** The reader throws KubeError when the apiserver can't say. */
export const createReferrerReader =
  (kube: Kube) =>
  async (pool: PoolKey): Promise<Referrers> => {
    // Not by namespace: a worker from before admission may leave it out.
    const fieldSelector = `spec.poolRef.name=${pool.name}`;
    const { items, isComplete } = await workers(kube).listFirstPage({ fieldSelector });
    const referrers = items.filter((worker) => formatPoolKey(poolOfWorker(worker)) === formatPoolKey(pool));
    return { namespaces: referrers.map(({ metadata }) => metadata.namespace), isComplete };
  };

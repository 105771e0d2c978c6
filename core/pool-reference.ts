/** Which pool a name means. No I/O. */
import type { Worker } from '../api/v1beta1/worker.ts';

export interface PoolKey {
  readonly namespace: string;
  readonly name: string;
}

/** `<namespace>/<name>` */
export const formatPoolKey = (key: PoolKey): string => `${key.namespace}/${key.name}`;

/** The pool a worker serves: a reference without namespace means the worker's own. */
export const poolOfWorker = (worker: Pick<Worker, 'metadata' | 'spec'>): PoolKey => ({
  namespace: worker.spec.poolRef.namespace ?? worker.metadata.namespace,
  name: worker.spec.poolRef.name,
});

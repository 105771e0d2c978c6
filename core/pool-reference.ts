/** Which pool a name means. No I/O. */
export interface PoolKey {
  readonly namespace: string;
  readonly name: string;
}

/** `<namespace>/<name>` */
export const formatPoolKey = (key: PoolKey): string => `${key.namespace}/${key.name}`;

/** As much of a worker as says which pool it means. */
interface Referring {
  readonly metadata: { readonly namespace: string };
  readonly spec: { readonly poolRef: { readonly name: string; readonly namespace?: string | undefined } };
}

/** The pool a worker serves: a reference without namespace means the worker's own. */
export const poolOfWorker = (worker: Referring): PoolKey => ({
  namespace: worker.spec.poolRef.namespace ?? worker.metadata.namespace,
  name: worker.spec.poolRef.name,
});

/** The workers that refer to a pool, of every namespace. */
import { KINDS } from '../../api/names.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import type { KubeClient } from './client.ts';
import { keepIdentity } from './lean.ts';
import { listAll } from './list.ts';
import { ourCollectionPath, ourNamespacedCollectionPath } from './paths.ts';

/** @throws {KubeError} */
export async function listWorkersOf(kube: KubeClient, { namespace, name }: PoolKey): Promise<readonly Worker[]> {
  const { plural } = KINDS.worker;
  const [written, unwritten] = await Promise.all([
    list(kube, ourCollectionPath(plural), `spec.poolRef.name=${name},spec.poolRef.namespace=${namespace}`),
    // A worker from before admission leaves the namespace out, and means its own.
    list(kube, ourNamespacedCollectionPath(plural, namespace), `spec.poolRef.name=${name},spec.poolRef.namespace=`),
  ]);
  return [...written, ...unwritten];
}

const list = async (kube: KubeClient, path: string, fieldSelector: string): Promise<readonly Worker[]> =>
  (await listAll<Worker>(kube, { path, query: { fieldSelector } }, keepReference)).items;

export const keepReference = ({ metadata, spec: { poolRef, requester }, status }: Worker): Worker => ({
  metadata: keepIdentity(metadata),
  spec: { poolRef, ...(requester === undefined ? {} : { requester }) },
  ...(status === undefined ? {} : { status }),
});

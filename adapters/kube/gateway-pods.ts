/** Whether a Pod belongs to the gateway of a pool: by its owners, up to the Deployment that lifecycle made. */
import { gatewayAccountName, gatewayDeploymentName, KINDS } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { isControlledBy, type OwnedMeta } from '../../core/lifecycle/cluster-objects.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import { orUndefined, type KubeClient } from './client.ts';
import { deploymentPath, ourObjectPath, podPath, replicaSetPath } from './paths.ts';

interface Owned {
  readonly metadata: OwnedMeta;
}

export interface PodReference {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  /** User name of its ServiceAccount. */
  readonly username: string;
}

/** The pool, where the Pod is one of its gateway. The finder throws KubeError when the apiserver can't say. */
export function createGatewayPodFinder(kube: Pick<KubeClient, 'call'>) {
  const get = async (path: string): Promise<Owned | undefined> =>
    (await orUndefined(kube.call({ path }))) as Owned | undefined;

  return async ({ namespace, pod, uid, username }: PodReference, name: string): Promise<Pool | undefined> => {
    if (username !== `system:serviceaccount:${namespace}:${gatewayAccountName(name)}`) return undefined;
    const key: PoolKey = { namespace, name };
    const [pool, deployment, found] = await Promise.all([
      get(ourObjectPath(KINDS.pool.plural, key)),
      get(deploymentPath({ namespace, name: gatewayDeploymentName(name) })),
      get(podPath({ namespace, name: pod })),
    ]);
    if (pool === undefined || deployment === undefined || found?.metadata.uid !== uid) return undefined;
    if (!isControlledBy(deployment.metadata, pool.metadata.uid)) return undefined;
    const owner = found.metadata.ownerReferences?.find(({ controller, kind }) => controller && kind === 'ReplicaSet');
    const replicaSet = owner && (await get(replicaSetPath({ namespace, name: owner.name })));
    const isOurs =
      replicaSet?.metadata.uid === owner?.uid &&
      replicaSet !== undefined &&
      isControlledBy(replicaSet.metadata, deployment.metadata.uid);
    return isOurs ? (pool as unknown as Pool) : undefined;
  };
}

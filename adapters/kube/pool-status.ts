/** Reads what a pool's status is computed from, and writes the status. */
import { gatewayDeploymentName, gatewayServiceName, KINDS, LABELS } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolStatus } from '../../api/status.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import type { GatewayDeployment, Observed } from '../../core/status/observed.ts';
import { applyStatus, type Applied } from './apply-status.ts';
import { orUndefined, type KubeClient } from './client.ts';
import { listAll } from './list.ts';
import { deploymentPath, podsPath, servicePath } from './paths.ts';
import { createPoolReader, listPoolKeys } from './pools.ts';
import { listWorkersOf } from './pool-workers.ts';

export interface PoolStatusStore {
  /** Undefined when the pool does not exist. @throws {KubeError} */
  readonly gather: (key: PoolKey) => Promise<Observed | undefined>;
  /** The same, with the Pods of the gateway even where none was counted before. @throws {KubeError} */
  readonly gatherWithPods: (key: PoolKey) => Promise<Observed | undefined>;
  /** Writes the whole status of the pool as it was read. @throws {KubeError} */
  readonly apply: (pool: Pool, status: PoolStatus) => Promise<Applied>;
  /** @throws {KubeError} */
  readonly listPools: () => Promise<readonly PoolKey[]>;
}

export const createPoolStatusStore = (kube: KubeClient): PoolStatusStore => ({
  gather: (key) => gather(kube, key, { pods: 'where counted' }),
  gatherWithPods: (key) => gather(kube, key, { pods: 'always' }),
  apply: (pool, status) => applyStatus(kube, KINDS.pool, { metadata: pool.metadata, status }),
  listPools: () => listPoolKeys(kube),
});

async function gather(
  kube: KubeClient,
  { namespace, name }: PoolKey,
  wanted: { readonly pods: 'always' | 'where counted' },
): Promise<Observed | undefined> {
  // The pool comes first: only then does a write with its resourceVersion prove that the lists are no older
  // than what somebody else wrote meanwhile.
  const pool = await createPoolReader(kube)({ namespace, name });
  if (pool === undefined) return undefined;
  const hasCounted = (pool.status?.connections?.instances ?? []).length > 0;
  const [workers, deployment, service, gatewayPods] = await Promise.all([
    listWorkersOf(kube, { namespace, name }),
    orUndefined(kube.call({ path: deploymentPath({ namespace, name: gatewayDeploymentName(name) }) })),
    orUndefined(kube.call({ path: servicePath({ namespace, name: gatewayServiceName(name) }) })),
    wanted.pods === 'always' || hasCounted ? listGatewayPods(kube, { namespace, name }) : undefined,
  ]);
  return {
    pool,
    workers,
    deployment: deployment as GatewayDeployment | undefined,
    service: service as Observed['service'],
    gatewayPods,
  };
}

/** UIDs. A gateway's Pods alone carry the label of their pool. */
async function listGatewayPods(kube: KubeClient, { namespace, name }: PoolKey): Promise<ReadonlySet<string>> {
  const call = { path: podsPath(namespace), query: { labelSelector: `${LABELS.pool}=${name}` } };
  const { items } = await listAll<Pod>(kube, call, ({ metadata: { uid } }) => ({ metadata: { uid } }));
  return new Set(items.map(({ metadata }) => metadata.uid));
}

interface Pod {
  readonly metadata: { readonly uid: string };
}

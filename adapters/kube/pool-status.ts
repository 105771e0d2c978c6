/** Reads what a pool's status is computed from, and writes the status. */
import { gatewayDeploymentName, gatewayServiceName, KINDS } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolStatus } from '../../api/status.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import type { GatewayDeployment, Observed } from '../../core/status/observed.ts';
import { applyStatus, type Applied } from './apply-status.ts';
import { orUndefined, type KubeClient } from './client.ts';
import { deploymentPath, servicePath } from './paths.ts';
import { createPoolReader, listPoolKeys } from './pools.ts';
import { listWorkersOf } from './pool-workers.ts';

export interface PoolStatusStore {
  /** Undefined when the pool does not exist. @throws {KubeError} */
  readonly gather: (key: PoolKey) => Promise<Observed | undefined>;
  /** Writes the whole status of the pool as it was read. @throws {KubeError} */
  readonly apply: (pool: Pool, status: PoolStatus) => Promise<Applied>;
  /** @throws {KubeError} */
  readonly listPools: () => Promise<readonly PoolKey[]>;
}

export const createPoolStatusStore = (kube: KubeClient): PoolStatusStore => ({
  gather: (key) => gather(kube, key),
  apply: (pool, status) => applyStatus(kube, KINDS.pool, { metadata: pool.metadata, status }),
  listPools: () => listPoolKeys(kube),
});

async function gather(kube: KubeClient, { namespace, name }: PoolKey): Promise<Observed | undefined> {
  // The pool comes first: only then does a write with its resourceVersion prove that the lists are no older
  // than what somebody else wrote meanwhile.
  const pool = await createPoolReader(kube)({ namespace, name });
  if (pool === undefined) return undefined;
  const [workers, deployment, service] = await Promise.all([
    listWorkersOf(kube, { namespace, name }),
    orUndefined(kube.call({ path: deploymentPath({ namespace, name: gatewayDeploymentName(name) }) })),
    orUndefined(kube.call({ path: servicePath({ namespace, name: gatewayServiceName(name) }) })),
  ]);
  return {
    pool,
    workers,
    deployment: deployment as GatewayDeployment | undefined,
    service: service as Observed['service'],
  };
}

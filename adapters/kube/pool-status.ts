/** Reads what the status of one pool is computed from, and writes the status. */
import { gatewayDeploymentName, gatewayServiceName, LABELS } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolStatus } from '../../api/status.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import type { Reads, Wanted } from '../../core/status/recompute-cache.ts';
import type { ApplyResult, GatewayObjects, JudgedConfig, Observed } from '../../core/status/observed.ts';
import { formatConfigKey, listConfigKeys } from '../../core/status/refs.ts';
import { applyStatus } from './apply-status.ts';
import type { Kube } from './api.ts';
import { KubeError } from './errors.ts';
import { createPoolReader } from './pools.ts';
import { findWorkers, type FoundWorkers } from './pool-workers.ts';
import { deployments, oidcConfigs, pods, pools, services } from './resources.ts';

export interface PoolStatusStore {
  /** Undefined when the pool does not exist. @throws {KubeError} */
  readonly gather: (key: PoolKey, wanted: Wanted) => Promise<Observed | undefined>;
  /** Writes the whole status of the pool as it was read. @throws {KubeError} */
  readonly apply: (pool: Pool, status: PoolStatus) => Promise<ApplyResult>;
}

export const createPoolStatusStore = (kube: Kube): PoolStatusStore => ({
  gather: (key, wanted) => gather(kube, key, wanted),
  apply: ({ metadata }, status) => applyStatus(pools(kube), { metadata, status }),
});

async function gather(kube: Kube, key: PoolKey, wanted: Wanted): Promise<Observed | undefined> {
  // The pool comes first: only then does a write with its resourceVersion prove that what is read next is no older than
  // what somebody else wrote meanwhile.
  const pool = await createPoolReader(kube)(key);
  if (pool === undefined) return undefined;
  const reads = wanted.planReads(pool);
  const hasCounted = (pool.status?.connections?.instances ?? []).length > 0;
  const [{ workers, extent }, gateway, gatewayPods, configs] = await Promise.all([
    findWorkersAt(kube, pool, { reads, atLeast: wanted.atLeast }),
    reads.withGateway ? readGateway(kube, key) : undefined,
    wanted.withPods || hasCounted ? listGatewayPods(kube, key) : undefined,
    readConfigs(kube, pool),
  ]);
  return { pool, workers, extent, gateway, gatewayPods, configs };
}

async function readGateway(kube: Kube, { namespace, name }: PoolKey): Promise<GatewayObjects> {
  const [deployment, service] = await Promise.all([
    deployments(kube).get({ namespace, name: gatewayDeploymentName(name) }),
    services(kube).get({ namespace, name: gatewayServiceName(name) }),
  ]);
  return { deployment, service } as GatewayObjects;
}

interface WorkersWanted extends Pick<Wanted, 'atLeast'> {
  readonly reads: Reads;
}

/** As the cache of the apiserver has them by now, which in almost every case is late enough, or else as they are. */
async function findWorkersAt(
  kube: Kube,
  { metadata: key }: Pool,
  { reads, atLeast }: WorkersWanted,
): Promise<FoundWorkers> {
  if (atLeast !== Infinity) {
    const found = await orUndefinedWhenTooLate(findWorkers(kube, key, reads));
    if (found !== undefined && (found.extent.version ?? Infinity) >= atLeast) return found;
  }
  return await findWorkers(kube, key, { ...reads, notOlderThan: undefined });
}

/** 504 is the answer where nothing is that late: in a cluster that was restored from a backup, or by a cache that lags. */
async function orUndefinedWhenTooLate<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof KubeError && error.status === 504) return undefined;
    throw error;
  }
}

/** UIDs. A gateway's Pods alone carry the label of their pool. */
async function listGatewayPods(kube: Kube, { namespace, name }: PoolKey): Promise<ReadonlySet<string>> {
  const query = { namespace, labelSelector: `${LABELS.pool}=${name}` };
  const { items } = await pods(kube).list(query, ({ metadata }) => metadata?.uid ?? '');
  return new Set(items);
}

/** A call for each that the pool lists: most pools list none. */
async function readConfigs(kube: Kube, pool: Pool): Promise<ReadonlyMap<string, JudgedConfig>> {
  const configs = new Map<string, JudgedConfig>();
  const read = async (key: PoolKey): Promise<void> => {
    const config = await oidcConfigs(kube).get(key);
    if (config !== undefined) configs.set(formatConfigKey(key), config);
  };
  await Promise.all(listConfigKeys(pool).map(read));
  return configs;
}

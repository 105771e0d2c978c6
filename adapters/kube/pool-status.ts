/** Reads what a pool's status is computed from, and writes the status. */
import {
  API_VERSION,
  gatewayDeploymentName,
  gatewayServiceName,
  KINDS,
  STATUS_FIELD_MANAGER,
} from '../../api/names.ts';
import type { Pool, PoolStatus } from '../../api/v1alpha1/pool.ts';
import type { Worker } from '../../api/v1alpha1/worker.ts';
import { isEqualJson } from '../../core/equal.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import type { GatewayDeployment, Observed } from '../../core/status/observed.ts';
import { KubeError, orUndefined, type KubeClient } from './client.ts';
import { listAll } from './list.ts';
import { deploymentPath, ourCollectionPath, ourNamespacePath, ourObjectPath, servicePath } from './paths.ts';

/** `stale`: somebody wrote the pool since it was read. `gone`: it exists no more. */
export type Applied = 'written' | 'stale' | 'gone';

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
  apply: (pool, status) => apply(kube, pool, status),
  listPools: async () => {
    const { items } = await listAll<Pool>(kube, { path: ourCollectionPath(KINDS.pool.plural) }, keepKey);
    return items.map(({ metadata: { namespace, name } }) => ({ namespace, name }));
  },
});

async function gather(kube: KubeClient, { namespace, name }: PoolKey): Promise<Observed | undefined> {
  // The pool comes first: only then does a write with its resourceVersion prove that the lists are no older
  // than what somebody else wrote meanwhile.
  const pool = (await orUndefined(kube.call({ path: ourObjectPath(KINDS.pool.plural, { namespace, name }) }))) as
    Pool | undefined;
  if (pool === undefined) return undefined;
  const [workers, unwritten, deployment, service] = await Promise.all([
    listWorkers(kube, ourCollectionPath(KINDS.worker.plural), { namespace, name }),
    // A worker from before admission leaves the namespace out, and means its own.
    listWorkers(kube, ourNamespacePath(KINDS.worker.plural, namespace), { namespace: '', name }),
    orUndefined(kube.call({ path: deploymentPath({ namespace, name: gatewayDeploymentName(name) }) })),
    orUndefined(kube.call({ path: servicePath({ namespace, name: gatewayServiceName(name) }) })),
  ]);
  return {
    pool,
    workers: [...workers, ...unwritten],
    deployment: deployment as GatewayDeployment | undefined,
    service: service as Observed['service'],
  };
}

async function listWorkers(kube: KubeClient, path: string, { namespace, name }: PoolKey): Promise<readonly Worker[]> {
  const fieldSelector = `spec.poolRef.name=${name},spec.poolRef.namespace=${namespace}`;
  return (await listAll<Worker>(kube, { path, query: { fieldSelector } }, keepCounted)).items;
}

/** A tenant may make an object large: what nobody reads here is let go at once. */
function keepCounted({ metadata, spec, status }: Worker): Worker {
  const { name, namespace, uid, resourceVersion, deletionTimestamp } = metadata;
  return {
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
    spec: { poolRef: spec.poolRef },
    ...(status === undefined ? {} : { status }),
  };
}

const keepKey = ({ metadata }: Pool): Pool => ({ metadata, spec: {} });

async function apply(kube: KubeClient, pool: Pool, status: PoolStatus): Promise<Applied> {
  try {
    const written = await applyFields(kube, pool, status);
    // Applying can't remove what another field manager owns, such as an older controller.
    if (!isEqualJson(written.status, status)) await replace(kube, written, status);
    return 'written';
  } catch (error) {
    if (error instanceof KubeError && error.status === 409) return 'stale';
    if (error instanceof KubeError && error.status === 404) return 'gone';
    throw error;
  }
}

const statusPath = ({ metadata: { namespace, name } }: Pool): string =>
  ourObjectPath(KINDS.pool.plural, { namespace, name, subresource: 'status' });

/** Server-side apply takes JSON under its YAML content type. */
async function applyFields(kube: KubeClient, pool: Pool, status: PoolStatus): Promise<Pool> {
  const { namespace, name, resourceVersion } = pool.metadata;
  return (await kube.call({
    method: 'PATCH',
    path: statusPath(pool),
    query: { fieldManager: STATUS_FIELD_MANAGER, force: 'true' },
    contentType: 'application/apply-patch+yaml',
    body: { apiVersion: API_VERSION, kind: KINDS.pool.kind, metadata: { namespace, name, resourceVersion }, status },
  })) as Pool;
}

/** JSON Patch (RFC 6902); writing the resourceVersion makes the apiserver compare it. */
async function replace(kube: KubeClient, pool: Pool, status: PoolStatus): Promise<void> {
  await kube.call({
    method: 'PATCH',
    path: statusPath(pool),
    query: { fieldManager: STATUS_FIELD_MANAGER },
    contentType: 'application/json-patch+json',
    body: [
      { op: 'replace', path: '/metadata/resourceVersion', value: pool.metadata.resourceVersion },
      { op: 'replace', path: '/status', value: status },
    ],
  });
}

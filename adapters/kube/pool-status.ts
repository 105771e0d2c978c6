/** Reads what a pool's status is computed from, and writes the status. */
import {
  STORAGE_API_VERSION,
  gatewayDeploymentName,
  gatewayServiceName,
  KINDS,
  LABELS,
  STATUS_FIELD_MANAGER,
} from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolStatus } from '../../api/status.ts';
import { isSameJson } from '../../core/json.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import type { GatewayDeployment, Observed } from '../../core/status/observed.ts';
import { KubeError, orUndefined, type KubeClient } from './client.ts';
import { listAll } from './list.ts';
import { deploymentPath, ourObjectPath, podsPath, servicePath } from './paths.ts';
import { createPoolReader, listPoolKeys } from './pools.ts';
import { listWorkersOf } from './pool-workers.ts';

/** `stale`: somebody wrote the pool since it was read. `gone`: it exists no more. */
export type Applied = 'written' | 'stale' | 'gone';

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
  apply: (pool, status) => apply(kube, pool, status),
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

async function apply(kube: KubeClient, pool: Pool, status: PoolStatus): Promise<Applied> {
  try {
    const written = await applyFields(kube, pool, status);
    // Applying can't remove what another field manager owns, such as an older controller.
    if (!isSameJson(written.status, status)) await replace(kube, written, status);
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
    body: {
      apiVersion: STORAGE_API_VERSION,
      kind: KINDS.pool.kind,
      metadata: { namespace, name, resourceVersion },
      status,
    },
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

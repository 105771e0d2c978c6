/** Reads what the statuses of all pools are computed from, by one LIST of each kind. */
import { gatewayDeploymentName, gatewayServiceName, KINDS, LABELS, MANAGED_BY } from '../../api/names.ts';
import { maxResyncMs } from '../../api/limits/status.ts';
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolStatus } from '../../api/status.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { formatPoolKey, poolOfWorker, type PoolKey } from '../../core/pool-reference.ts';
import { parseResourceVersion } from '../../core/resource-version.ts';
import type { Applied, CountedWorker, GatewayDeployment, JudgedConfig, Observed } from '../../core/status/observed.ts';
import { formatConfigKey, listConfigKeys } from '../../core/status/refs.ts';
import { applyStatus } from './apply-status.ts';
import { limitCalls } from './budget.ts';
import type { KubeClient } from './client.ts';
import { keepIdentity } from './lean.ts';
import { listAll } from './list.ts';
import { deploymentsPath, ourCollectionPath, podsPath, servicesPath } from './paths.ts';
import { keepCounted } from './pool-workers.ts';

/** All calls of one share `maxResyncMs`. @throws {KubeError} */
export interface Survey {
  /** Every pool there is, and a resource version at which all of them were as they were read, or 0. */
  readonly gather: () => Promise<Gathered>;
  /** Writes the whole status of the pool as it was read. */
  readonly apply: (pool: Pool, status: PoolStatus) => Promise<Applied>;
}

export interface Gathered {
  readonly pools: readonly Observed[];
  readonly readAt: number;
}

export function beginSurvey(client: KubeClient): Survey {
  const kube = limitCalls(client, maxResyncMs);
  return {
    gather: () => gatherAll(kube),
    apply: ({ metadata }, status) => applyStatus(kube, KINDS.pool, { metadata, status }),
  };
}

type Kube = Pick<KubeClient, 'call'>;

async function gatherAll(kube: Kube): Promise<Gathered> {
  // Pools come first, as where one of them is read.
  const call = { path: ourCollectionPath(KINDS.pool.plural) };
  const { items: pools, resourceVersion } = await listAll<Pool>(kube, call, keepStated);
  const [workers, deployments, services, pods, configs] = await Promise.all([
    listWorkers(kube),
    listGatewayParts(kube, deploymentsPath),
    listGatewayParts(kube, servicesPath),
    pools.some(hasCounted) ? listGatewayPods(kube) : undefined,
    pools.some((pool) => listConfigKeys(pool).length > 0) ? listConfigs(kube) : new Map<string, JudgedConfig>(),
  ]);
  const gather = (pool: Pool): Observed => {
    const { namespace, name } = pool.metadata;
    const key = formatPoolKey({ namespace, name });
    return {
      pool,
      workers: workers.byPool.get(key) ?? [],
      extent: { namespaces: 'all', version: workers.version },
      gateway: {
        deployment: deployments.get(formatPoolKey({ namespace, name: gatewayDeploymentName(name) })),
        service: services.get(formatPoolKey({ namespace, name: gatewayServiceName(name) })),
      },
      gatewayPods: hasCounted(pool) ? new Set(pods?.get(key)) : undefined,
      configs,
    };
  };
  return { pools: pools.map(gather), readAt: parseResourceVersion(resourceVersion) ?? 0 };
}

const hasCounted = ({ status }: Pool): boolean => (status?.connections?.instances ?? []).length > 0;

/** What a status depends on, and no text that may be long. */
const keepStated = ({ metadata, spec, status }: Pool): Pool => ({
  metadata: keepIdentity(metadata),
  spec: {
    ...(spec.workers?.scaling === undefined ? {} : { workers: { scaling: spec.workers.scaling } }),
    ...(spec.access?.oidc === undefined ? {} : { access: { oidc: spec.access.oidc } }),
  },
  ...(status === undefined ? {} : { status }),
});

async function listWorkers(kube: Kube) {
  const call = { path: ourCollectionPath(KINDS.worker.plural) };
  const { items, resourceVersion } = await listAll<Worker, CountedWorker>(kube, call, keepCounted);
  const byPool = Map.groupBy(items, (worker) => formatPoolKey(poolOfWorker(worker)));
  return { byPool, version: parseResourceVersion(resourceVersion) };
}

type Part = Named & GatewayDeployment;

/** Deployments or Services of ours by `<namespace>/<name>`. */
async function listGatewayParts(kube: Kube, path: string): Promise<ReadonlyMap<string, GatewayDeployment>> {
  const call = { path, query: { labelSelector: `${LABELS.managedBy}=${MANAGED_BY}` } };
  return new Map((await listAll<Part, [string, GatewayDeployment]>(kube, call, keepGatewayPart)).items);
}

const keepGatewayPart = ({ metadata, spec, status }: Part): [string, GatewayDeployment] => [
  formatPoolKey(metadata),
  {
    metadata: { labels: { [LABELS.managedBy]: MANAGED_BY } },
    ...(spec?.replicas === undefined ? {} : { spec: { replicas: spec.replicas } }),
    ...(status?.readyReplicas === undefined ? {} : { status: { readyReplicas: status.readyReplicas } }),
  },
];

interface Named {
  readonly metadata: PoolKey & { readonly uid: string; readonly labels?: Readonly<Record<string, string>> };
}

/** UIDs by pool. A gateway's Pods alone carry the label of their pool. */
async function listGatewayPods(kube: Kube): Promise<ReadonlyMap<string, readonly string[]>> {
  const call = { path: podsPath(), query: { labelSelector: LABELS.pool } };
  const { items } = await listAll<Named, { readonly key: string; readonly uid: string }>(
    kube,
    call,
    ({ metadata }) => ({
      key: formatPoolKey({ namespace: metadata.namespace, name: metadata.labels?.[LABELS.pool] ?? '' }),
      uid: metadata.uid,
    }),
  );
  const byPool = new Map<string, string[]>();
  for (const { key, uid } of items) byPool.set(key, [...(byPool.get(key) ?? []), uid]);
  return byPool;
}

async function listConfigs(kube: Kube): Promise<ReadonlyMap<string, JudgedConfig>> {
  const call = { path: ourCollectionPath(KINDS.oidcConfig.plural) };
  const { items } = await listAll<OidcConfig, JudgedConfig>(kube, call, ({ metadata, status }) => ({
    metadata: keepIdentity(metadata),
    ...(status === undefined ? {} : { status }),
  }));
  return new Map(items.map((config) => [formatConfigKey(config.metadata), config]));
}

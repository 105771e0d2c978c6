/** Reads what the statuses of all pools are computed from, by one LIST of each kind. */
import { gatewayDeploymentName, gatewayServiceName, LABELS, MANAGED_BY } from '../../api/names.ts';
import { maxResyncMs } from '../../api/limits/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolStatus } from '../../api/status.ts';
import { formatPoolKey, poolOfWorker, type PoolKey } from '../../core/pool-reference.ts';
import { parseResourceVersion } from '../../core/resource-version.ts';
import type { ApplyResult, GatewayDeployment, JudgedConfig, Observed } from '../../core/status/observed.ts';
import { formatConfigKey, listConfigKeys } from '../../core/status/refs.ts';
import { applyStatus } from './apply-status.ts';
import { limitCalls } from './budget.ts';
import type { Kube } from './api.ts';
import { keepIdentity } from './lean.ts';
import { keepCounted } from './pool-workers.ts';
import { deployments, oidcConfigs, pods, pools, services, workers } from './resources.ts';

/** All calls of one share `maxResyncMs`. @throws {KubeError} */
export interface Survey {
  /** Every pool there is, and a resource version at which all of them were as they were read, or 0. */
  readonly gather: () => Promise<Gathered>;
  /** Writes the whole status of the pool as it was read. */
  readonly apply: (pool: Pool, status: PoolStatus) => Promise<ApplyResult>;
}

export interface Gathered {
  readonly pools: readonly Observed[];
  readonly readAt: number;
}

export function beginSurvey(client: Kube): Survey {
  const kube = limitCalls(client, maxResyncMs);
  return {
    gather: () => gatherAll(kube),
    apply: ({ metadata }, status) => applyStatus(pools(kube), { metadata, status }),
  };
}

async function gatherAll(kube: Kube): Promise<Gathered> {
  // Pools come first, as where one of them is read.
  const { items, resourceVersion } = await pools(kube).list({}, keepStated);
  const [found, deployed, served, gatewayPods, configs] = await Promise.all([
    listWorkers(kube),
    deployments(kube).list(ofOurs, keepGatewayPart),
    services(kube).list(ofOurs, keepGatewayPart),
    items.some(hasCounted) ? listGatewayPods(kube) : undefined,
    items.some((pool) => listConfigKeys(pool).length > 0) ? listConfigs(kube) : new Map<string, JudgedConfig>(),
  ]);
  const gatewayDeployments = new Map(deployed.items);
  const gatewayServices = new Map(served.items);
  const gather = (pool: Pool): Observed => {
    const { namespace, name } = pool.metadata;
    const key = formatPoolKey({ namespace, name });
    return {
      pool,
      workers: found.byPool.get(key) ?? [],
      extent: { namespaces: 'all', version: found.version },
      gateway: {
        deployment: gatewayDeployments.get(formatPoolKey({ namespace, name: gatewayDeploymentName(name) })),
        service: gatewayServices.get(formatPoolKey({ namespace, name: gatewayServiceName(name) })),
      },
      gatewayPods: hasCounted(pool) ? new Set(gatewayPods?.get(key)) : undefined,
      configs,
    };
  };
  return { pools: items.map(gather), readAt: parseResourceVersion(resourceVersion) ?? 0 };
}

const hasCounted = ({ status }: Pool): boolean => (status?.connections?.instances ?? []).length > 0;

/** What a status depends on, and no text that may be long. */
const keepStated = ({ metadata, spec, status, fault }: Pool): Pool => ({
  metadata: keepIdentity(metadata),
  spec: {
    ...(spec.workers?.scaling === undefined ? {} : { workers: { scaling: spec.workers.scaling } }),
    ...(spec.access?.oidc === undefined ? {} : { access: { oidc: spec.access.oidc } }),
  },
  ...(status === undefined ? {} : { status }),
  ...(fault === undefined ? {} : { fault }),
});

async function listWorkers(kube: Kube) {
  const { items, resourceVersion } = await workers(kube).list({}, keepCounted);
  const byPool = Map.groupBy(items, (worker) => formatPoolKey(poolOfWorker(worker)));
  return { byPool, version: parseResourceVersion(resourceVersion) };
}

const ofOurs = { labelSelector: `${LABELS.managedBy}=${MANAGED_BY}` };

/** As far as a Deployment and a Service are looked at. */
interface GatewayPart {
  readonly metadata?: { readonly namespace?: string; readonly name?: string };
  readonly spec?: object;
  readonly status?: object;
}

const keepGatewayPart = ({ metadata, spec, status }: GatewayPart): [string, GatewayDeployment] => {
  const { replicas } = (spec ?? {}) as { readonly replicas?: number };
  const { readyReplicas } = (status ?? {}) as { readonly readyReplicas?: number };
  return [
    keyOf(metadata),
    {
      metadata: { labels: { [LABELS.managedBy]: MANAGED_BY } },
      ...(replicas === undefined ? {} : { spec: { replicas } }),
      ...(readyReplicas === undefined ? {} : { status: { readyReplicas } }),
    },
  ];
};

const keyOf = ({ namespace = '', name = '' }: Partial<PoolKey> = {}): string => formatPoolKey({ namespace, name });

/** UIDs by pool. A gateway's Pods alone carry the label of their pool. */
async function listGatewayPods(kube: Kube): Promise<ReadonlyMap<string, readonly string[]>> {
  const { items } = await pods(kube).list({ labelSelector: LABELS.pool }, ({ metadata = {} }) => ({
    key: keyOf({ ...metadata, name: metadata.labels?.[LABELS.pool] ?? '' }),
    uid: metadata.uid ?? '',
  }));
  const byPool = new Map<string, string[]>();
  for (const { key, uid } of items) byPool.set(key, [...(byPool.get(key) ?? []), uid]);
  return byPool;
}

async function listConfigs(kube: Kube): Promise<ReadonlyMap<string, JudgedConfig>> {
  const { items } = await oidcConfigs(kube).list({}, ({ metadata, status }) => ({
    metadata: keepIdentity(metadata),
    ...(status === undefined ? {} : { status }),
  }));
  return new Map(items.map((config) => [formatConfigKey(config.metadata), config]));
}

/** What a pool has in its own namespace: its gateway, and who may reach it. No I/O. */
import {
  gatewayBaseBytes,
  gatewayConnectionBytes,
  minGatewayConnections,
  podGraceSeconds,
  podTokenSeconds,
} from '../../api/limits/lifecycle.ts';
import {
  gatewayAccountName,
  gatewayDeploymentName,
  gatewayServiceName,
  GROUP,
  KINDS,
  LABELS,
  PORTS,
  PROBE_PATHS,
  TOKEN_AUDIENCE,
} from '../../api/names.ts';
import { routesName } from '../../api/routes.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { readQuantity } from '../quantity.ts';
import { defined, keysServiceName, managedLabels, ownedByPool, type KubeObject } from './objects.ts';
import { restrictedContainer, restrictedPod } from './pod-security.ts';
import type { LifecycleSettings } from './settings.ts';

const tokenFolder = '/var/run/secrets/buildkit';
const trustFolder = '/etc/buildkit/trust';
export const gatewayTrustName = (pool: string): string => `${pool}-gateway-trust`;

export const metadataOf = (pool: Pool, name: string): KubeObject['metadata'] => ({
  name,
  namespace: pool.metadata.namespace,
  labels: managedLabels,
  ownerReferences: ownedByPool(pool),
});

const podLabels = ({ metadata: { name } }: Pool) => ({
  ...managedLabels,
  'app.kubernetes.io/name': 'buildkit-gateway',
  [LABELS.pool]: name,
});

/** Reads its pool and its routes, and nothing else. */
export function makeGatewayAccount(pool: Pool): readonly KubeObject[] {
  const { name, namespace } = pool.metadata;
  const account = gatewayAccountName(name);
  const metadata = metadataOf(pool, account);
  const rbac = 'rbac.authorization.k8s.io';
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'Role',
      metadata,
      rules: [
        { apiGroups: [GROUP], resources: [KINDS.pool.plural], resourceNames: [name], verbs: ['get', 'list', 'watch'] },
        {
          apiGroups: [''],
          resources: ['configmaps'],
          resourceNames: [routesName(name)],
          verbs: ['get', 'list', 'watch'],
        },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata,
      subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
      roleRef: { apiGroup: rbac, kind: 'Role', name: account },
    },
  ];
}

/** By which a gateway knows our functions. `roots` are PEM. */
export const makeGatewayTrust = (pool: Pool, roots: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadataOf(pool, gatewayTrustName(pool.metadata.name)),
  data: { 'ca.crt': roots },
});

export const makeRoutes = (pool: Pool, data: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadataOf(pool, routesName(pool.metadata.name)),
  data,
});

const defaultResources = { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } };

export function makeGatewayDeployment(pool: Pool, settings: LifecycleSettings): KubeObject {
  const { name } = pool.metadata;
  const { replicas = 1 } = pool.spec.gateway ?? {};
  const labels = podLabels(pool);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataOf(pool, gatewayDeploymentName(name)),
    spec: {
      replicas,
      selector: { matchLabels: { [LABELS.pool]: name } },
      // A replica that ends goes on with its streams while another takes new connections.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { labels }, spec: makeGatewayPod(pool, settings) },
    },
  };
}

function makeGatewayPod(pool: Pool, settings: LifecycleSettings): object {
  const { name } = pool.metadata;
  return {
    serviceAccountName: gatewayAccountName(name),
    automountServiceAccountToken: true,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: podGraceSeconds,
    securityContext: restrictedPod,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: { [LABELS.pool]: name } },
        matchLabelKeys: ['pod-template-hash'],
      },
    ],
    containers: [makeGatewayContainer(pool, settings)],
    volumes: [
      {
        name: 'token',
        projected: {
          sources: [
            {
              serviceAccountToken: { audience: TOKEN_AUDIENCE, expirationSeconds: podTokenSeconds, path: 'token' },
            },
          ],
        },
      },
      { name: 'trust', configMap: { name: gatewayTrustName(name) } },
    ],
  };
}

function makeGatewayContainer(pool: Pool, settings: LifecycleSettings): object {
  const { image = settings.image, resources = defaultResources } = pool.spec.gateway ?? {};
  return {
    name: 'gateway',
    image,
    args: ['gateway'],
    terminationMessagePolicy: 'FallbackToLogsOnError',
    env: Object.entries(gatewayVariables(pool, settings)).map(([variable, value]) => ({ name: variable, value })),
    ports: [
      { name: 'buildkit', containerPort: PORTS.gateway },
      { name: 'keys', containerPort: PORTS.keys },
      { name: 'metrics', containerPort: metricsPortOf(pool) },
    ],
    readinessProbe: { httpGet: { path: PROBE_PATHS.ready, port: 'metrics' }, periodSeconds: 1 },
    livenessProbe: { httpGet: { path: PROBE_PATHS.alive, port: 'metrics' }, periodSeconds: 10, timeoutSeconds: 5 },
    resources,
    securityContext: restrictedContainer,
    volumeMounts: [
      { name: 'token', mountPath: tokenFolder, readOnly: true },
      { name: 'trust', mountPath: trustFolder, readOnly: true },
    ],
  };
}

const metricsPortOf = ({ spec }: Pool): number => spec.observability?.metrics?.port ?? PORTS.metrics;

function gatewayVariables(pool: Pool, { clusterFqdn, urls }: LifecycleSettings): Readonly<Record<string, string>> {
  const { name, namespace } = pool.metadata;
  const { resources = defaultResources, proxyProtocolCIDRs = [] } = pool.spec.gateway ?? {};
  return {
    POOL_NAME: name,
    POOL_NAMESPACE: namespace,
    CLUSTER_FQDN: clusterFqdn,
    API_URL: urls.api,
    LIFECYCLE_URL: urls.lifecycle,
    STATUS_URL: urls.status,
    TOKEN_FILE: `${tokenFolder}/token`,
    CA_FILE: `${trustFolder}/ca.crt`,
    PORT: String(PORTS.gateway),
    KEYS_PORT: String(PORTS.keys),
    METRICS_PORT: String(metricsPortOf(pool)),
    MAX_CONNECTIONS: String(countConnections(resources.limits?.['memory'])),
    ...(proxyProtocolCIDRs.length === 0 ? {} : { PROXY_PROTOCOL_CIDRS: proxyProtocolCIDRs.join() }),
  };
}

/** As many as fit into the limit on memory when no client of them reads. */
function countConnections(limit: string | number | undefined): number {
  const bytes = readQuantity(limit ?? defaultResources.limits.memory) ?? 0;
  return Math.max(minGatewayConnections, Math.floor((bytes - gatewayBaseBytes) / gatewayConnectionBytes));
}

export function makeGatewayService(pool: Pool): KubeObject {
  const { name } = pool.metadata;
  const { type = 'ClusterIP', port = PORTS.gateway, ...service } = pool.spec.gateway?.service ?? {};
  const metadata = metadataOf(pool, gatewayServiceName(name));
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: defined({ ...metadata, annotations: service.annotations }),
    spec: defined({
      type,
      selector: { [LABELS.pool]: name },
      ports: [defined({ name: 'buildkit', port, targetPort: 'buildkit', nodePort: service.nodePort })],
      loadBalancerClass: service.loadBalancerClass,
      loadBalancerSourceRanges: type === 'LoadBalancer' ? service.allowedCIDRs : undefined,
    }),
  };
}

/** Inside of the cluster alone, whatever leads to the gateway from outside. */
export const makeKeysService = (pool: Pool): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadataOf(pool, keysServiceName(pool)),
  spec: {
    type: 'ClusterIP',
    selector: { [LABELS.pool]: pool.metadata.name },
    ports: [{ name: 'keys', port: PORTS.keys, targetPort: 'keys' }],
  },
});

/** One replica after the other: a drained node holds no gateway up for ever. */
export const makeGatewayBudget = (pool: Pool): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: metadataOf(pool, gatewayDeploymentName(pool.metadata.name)),
  spec: {
    maxUnavailable: 1,
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
    selector: { matchLabels: { [LABELS.pool]: pool.metadata.name } },
  },
});

/** What workers have in their own namespace: a Pod each, and what holds all of a pool there. No I/O. */
import { podGraceSeconds, podTokenSeconds, startPatienceSeconds } from '../../api/limits/lifecycle.ts';
import { LABELS, NAMESPACE_NAME_LABEL, PORTS, TEMPLATE_ANNOTATION, WORKER_TOKEN_AUDIENCE } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { KEYS_FOLDER, SOCKET, STATE_FOLDER, volumeOf, volumeSizeOf } from './buildkit-config.ts';
import {
  defined,
  keysServiceName,
  managedLabels,
  ownedByWorker,
  workerObjectsName,
  workerPoolLabels,
  type KubeObject,
} from './objects.ts';
import { privilegedContainer, restrictedContainer, restrictedPod, userNamespaceContainer } from './pod-security.ts';
import type { LifecycleSettings } from './settings.ts';

const tokenFolder = '/var/run/secrets/buildkit';
const configFolder = '/config';

export interface WorkerPod {
  readonly pool: Pool;
  readonly worker: Worker;
  /** buildkitd.toml */
  readonly config: string;
  /** Of `describeTemplate`. */
  readonly templateHash?: string;
}

/** The same for all workers of a pool: another one was made of something else. */
export const describeTemplate = (pool: Pool, config: string, settings: LifecycleSettings): string => {
  const { namespace } = pool.metadata;
  const metadata = { namespace, name: '', uid: '', resourceVersion: '' };
  return JSON.stringify(
    makeWorkerPod({ pool, worker: { metadata, spec: { poolRef: pool.metadata } }, config }, settings),
  );
};

export function makeWorkerPod(
  { pool, worker, config, templateHash }: WorkerPod,
  settings: LifecycleSettings,
): KubeObject {
  const { template = {}, isolation = 'UserNamespace' } = pool.spec.workers ?? {};
  const { name, namespace } = worker.metadata;
  const { labels, annotations, ...placement } = template;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { ...labels, ...podLabels(pool, worker) },
      annotations: {
        ...annotations,
        ...leaseAnnotations(worker),
        ...(templateHash === undefined ? {} : { [TEMPLATE_ANNOTATION]: templateHash }),
      },
      ownerReferences: ownedByWorker(worker),
    },
    spec: {
      ...placement,
      ...(isolation === 'UserNamespace' ? { hostUsers: false } : {}),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: podGraceSeconds,
      initContainers: [makeKeysContainer({ pool, worker, config }, settings)],
      containers: [makeBuildkitContainer(pool, settings)],
      volumes: makeVolumes(pool),
    },
  };
}

const podLabels = (pool: Pool, worker: Worker) => ({
  ...managedLabels,
  'app.kubernetes.io/name': 'buildkit-worker',
  [LABELS.worker]: worker.metadata.uid,
  ...workerPoolLabels(pool.metadata),
  ...leaseLabels(worker),
});

export const isLeased = ({ spec }: Worker): boolean => spec.lease !== undefined;

/** Who may evict the Pod looks at these: they change in one patch. */
export const leaseLabels = (worker: Worker) => ({ [LABELS.leased]: String(isLeased(worker)) });
export const leaseAnnotations = (worker: Worker) => ({
  'karpenter.sh/do-not-disrupt': String(isLeased(worker)),
  'cluster-autoscaler.kubernetes.io/safe-to-evict': String(!isLeased(worker)),
});

/** The only container that mounts a token. It writes the configuration, too: a ConfigMap would be one more object. */
function makeKeysContainer({ pool, worker, config }: WorkerPod, { image }: LifecycleSettings): object {
  return {
    name: 'keys',
    image,
    args: ['keys'],
    terminationMessagePolicy: 'FallbackToLogsOnError',
    env: [
      { name: 'WORKER_NAME', value: worker.metadata.name },
      { name: 'KEYS_URL', value: keysUrlOf(pool) },
      { name: 'TOKEN_FILE', value: `${tokenFolder}/token` },
      { name: 'KEYS_FOLDER', value: KEYS_FOLDER },
      { name: 'CONFIG_FOLDER', value: configFolder },
      // Kubernetes reads `$(NAME)` in a value, and `$$` as one.
      { name: 'BUILDKITD_TOML', value: config.replaceAll('$', () => '$$') },
    ],
    resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '192Mi' } },
    securityContext: { ...restrictedPod, ...restrictedContainer },
    volumeMounts: [
      { name: 'token', mountPath: tokenFolder, readOnly: true },
      { name: 'keys', mountPath: KEYS_FOLDER },
      { name: 'config', mountPath: configFolder },
    ],
  };
}

const keysUrlOf = (pool: Pool): string =>
  `http://${keysServiceName(pool)}.${pool.metadata.namespace}.svc:${PORTS.keys}`;

const defaultResources = { requests: { cpu: '250m', memory: '256Mi' } };
const isAnswering = { exec: { command: ['buildctl', '--addr', SOCKET, 'debug', 'workers'] } };

function makeBuildkitContainer({ spec: { workers = {} } }: Pool, settings: LifecycleSettings): object {
  const { image = settings.buildkitImage, resources = defaultResources, isolation = 'UserNamespace' } = workers;
  return {
    name: 'buildkitd',
    image,
    args: ['--config', `${configFolder}/buildkitd.toml`],
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ports: [{ name: 'buildkit', containerPort: PORTS.worker }],
    startupProbe: { ...isAnswering, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: startPatienceSeconds },
    // No liveness probe: a daemon that is busy is not to be killed.
    readinessProbe: { ...isAnswering, periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 3 },
    resources,
    securityContext: isolation === 'Privileged' ? privilegedContainer : userNamespaceContainer,
    volumeMounts: [
      { name: 'keys', mountPath: KEYS_FOLDER, readOnly: true },
      { name: 'config', mountPath: configFolder, readOnly: true },
      { name: 'state', mountPath: STATE_FOLDER },
      { name: 'run', mountPath: '/run' },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

function makeVolumes(pool: Pool): readonly object[] {
  return [
    {
      name: 'token',
      projected: {
        sources: [
          {
            serviceAccountToken: {
              audience: WORKER_TOKEN_AUDIENCE,
              expirationSeconds: podTokenSeconds,
              path: 'token',
            },
          },
        ],
      },
    },
    { name: 'keys', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    { name: 'config', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    makeStateVolume(pool),
    { name: 'run', emptyDir: { sizeLimit: '1Gi' } },
    { name: 'tmp', emptyDir: { sizeLimit: '10Gi' } },
  ];
}

/** Goes with the Pod either way, so that nothing of one tenant is there for the next. */
function makeStateVolume(pool: Pool): object {
  const volume = volumeOf(pool);
  if (volume === undefined) return { name: 'state', emptyDir: { sizeLimit: volumeSizeOf(pool) } };
  const spec = defined({
    accessModes: ['ReadWriteOnce'],
    storageClassName: volume.storageClassName,
    resources: { requests: { storage: volume.size } },
  });
  return { name: 'state', ephemeral: { volumeClaimTemplate: { metadata: { labels: managedLabels }, spec } } };
}

const metadataIn = (pool: Pool, namespace: string): KubeObject['metadata'] => ({
  name: workerObjectsName(pool),
  namespace,
  labels: { ...managedLabels, ...workerPoolLabels(pool.metadata) },
});

/** Never evicts a worker with a lease, and every other one at once. */
export const makeWorkersBudget = (pool: Pool, namespace: string): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: metadataIn(pool, namespace),
  spec: {
    minAvailable: 2_147_483_647,
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
    selector: { matchLabels: { ...workerPoolLabels(pool.metadata), [LABELS.leased]: 'true' } },
  },
});

/** Private, shared and link-local addresses, which are those of clusters and of clouds' metadata. */
const closed4 = ['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'];
const closed6 = ['::1/128', 'fc00::/7', 'fe80::/10'];

/**
 * Its gateway alone reaches a worker. A worker reaches DNS, its gateway for its keys, the outside, and what the owner opens;
 * none of our functions, nor what may lead to them.
 */
export function makeWorkersPolicy(pool: Pool, namespace: string): KubeObject {
  const allowed = pool.spec.workers?.egress?.allowedCIDRs ?? [];
  const gateway = {
    namespaceSelector: { matchLabels: { [NAMESPACE_NAME_LABEL]: pool.metadata.namespace } },
    podSelector: { matchLabels: { [LABELS.pool]: pool.metadata.name } },
  };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadataIn(pool, namespace),
    spec: {
      podSelector: { matchLabels: workerPoolLabels(pool.metadata) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [gateway], ports: [{ protocol: 'TCP', port: PORTS.worker }] }],
      egress: [
        { ports: ['UDP', 'TCP'].map((protocol) => ({ protocol, port: 53 })) },
        { to: [gateway], ports: [{ protocol: 'TCP', port: PORTS.keys }] },
        {
          to: [
            { ipBlock: { cidr: '0.0.0.0/0', except: closed4 } },
            { ipBlock: { cidr: '::/0', except: closed6 } },
            ...allowed.map((cidr) => ({ ipBlock: { cidr } })),
          ],
        },
      ],
    },
  };
}

/** What changes in a Pod with the lease of its worker. */
export const makeLeasePatch = (worker: Worker) => ({
  metadata: { labels: leaseLabels(worker), annotations: leaseAnnotations(worker) },
});

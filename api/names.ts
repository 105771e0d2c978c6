/**
 * The words that cross a process border: group, kinds, labels, names of objects. Each stands here once.
 */
export const GROUP = 'buildkit.smrt-devops.net';

/** `kubectl get buildkit` lists every kind of ours. */
export const CATEGORY = 'buildkit';

/** Both are served; objects are stored in the newer one. */
export const OLD_VERSION = 'v1alpha1';
export const STORAGE_VERSION = 'v1beta1';
export type Version = typeof OLD_VERSION | typeof STORAGE_VERSION;

/** What functions read and write. */
export const STORAGE_API_VERSION = `${GROUP}/${STORAGE_VERSION}`;

export const KINDS = {
  pool: { kind: 'BuildKitPool', plural: 'buildkitpools', singular: 'buildkitpool', shortName: 'bkp' },
  worker: { kind: 'BuildKitWorker', plural: 'buildkitworkers', singular: 'buildkitworker', shortName: 'bkw' },
  oidcConfig: {
    kind: 'BuildKitOIDCConfig',
    plural: 'buildkitoidcconfigs',
    singular: 'buildkitoidcconfig',
    shortName: 'bkoidc',
  },
} as const;

/** Audience a token must be made for to count here. */
export const TOKEN_AUDIENCE = GROUP;

/**
 * Of the token that the Pod of a worker has its key signed with. It passes through a gateway, whose image the owner of the
 * pool chooses, and is of an account in the namespace of the worker: for this audience it is worth nothing anywhere else.
 */
export const WORKER_TOKEN_AUDIENCE = `workers.${GROUP}`;

/** Namespace the parts of the controller live in. */
export const SYSTEM_NAMESPACE = 'buildkit-system';

export const LABELS = {
  managedBy: 'app.kubernetes.io/managed-by',
  /** Of Pods of gateways alone. */
  pool: `${GROUP}/pool`,
  /** Of Pods of workers: the worker's UID, since its name may be longer than the value of a label. */
  worker: `${GROUP}/worker`,
  /** Of what belongs to the workers of a pool, in whichever namespace it is: the pool, and the pool's namespace. */
  workerPool: `${GROUP}/worker-pool`,
  workerPoolNamespace: `${GROUP}/worker-pool-namespace`,
  /** Of Leases: the UID of the pool. */
  poolUID: `${GROUP}/pool-uid`,
  /** Of workers and Leases: the trust domain, the first half of its hash. A worker never changes it. */
  domain: `${GROUP}/domain`,
  /** Of workers: the lease that they hold, and the UID of its Lease. */
  lease: `${GROUP}/lease`,
  leaseUID: `${GROUP}/lease-uid`,
  /** Of Pods of workers that hold a lease: `true`. */
  leased: `${GROUP}/leased`,
} as const;

/** On a Lease: whose it is, when its certificate was issued, and the Pod of the gateway that it was made for. */
export const LEASE_ANNOTATIONS = {
  principal: `${GROUP}/principal`,
  issuedAt: `${GROUP}/issued-at`,
  gateway: `${GROUP}/gateway-pod-uid`,
  token: `${GROUP}/token`,
  /** UID of the worker that the Lease names; absent until one that is made for it exists. */
  workerUID: `${GROUP}/worker-uid`,
  /** `true`: the pool shares workers between trust domains. */
  shared: `${GROUP}/shared`,
} as const;

/** On the Pod of a worker: the hash of what all Pods of its pool's workers were made of. */
export const TEMPLATE_ANNOTATION = `${GROUP}/template`;

/** Value of the managed-by label on every object we make. */
export const MANAGED_BY = 'buildkit-controller';

/**
 * Verbs on `buildkitpools/<name>`: who may join a pool with a worker, who may build on it, and who may say what its
 * workers are made of and how they are held.
 */
export const VERBS = { attach: 'attach', use: 'use', customize: 'customize' } as const;

/** Label by which a namespace can be selected that its users can't give to another one. */
export const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';

/** Every server answers these: alive, and ready for traffic. */
export const PROBE_PATHS = { alive: '/healthz', ready: '/readyz' } as const;

/** Where clients of the API ask whether it is there. */
export const HEALTH_PATH = '/api/v1/health';

/** Where a part shows its metrics, in the text format of Prometheus, on a port of their own. */
export const METRICS_PATH = '/metrics';

/** Every one carries the label `part`; what each means stands in docs/observability.md. */
export const METRICS = {
  cpuSeconds: 'process_cpu_seconds_total',
  busySeconds: 'nodejs_eventloop_active_seconds_total',
  residentBytes: 'process_resident_memory_bytes',
  startTime: 'process_start_time_seconds',
  reviews: 'buildkit_webhook_reviews_total',
  reviewSeconds: 'buildkit_webhook_review_duration_seconds',
  servingCertificateEnd: 'buildkit_serving_certificate_not_after_seconds',
  certificateRequests: 'buildkit_certificate_requests_total',
  certificateRequestSeconds: 'buildkit_certificate_request_duration_seconds',
  clientCaEnd: 'buildkit_client_ca_not_after_seconds',
  kubeRequests: 'buildkit_kube_requests_total',
  kubeRequestSeconds: 'buildkit_kube_request_duration_seconds',
  events: 'buildkit_events_total',
  coveredEvents: 'buildkit_events_covered_total',
  recomputeSeconds: 'buildkit_recompute_duration_seconds',
  writes: 'buildkit_writes_total',
  resyncSeconds: 'buildkit_resync_duration_seconds',
  lastResync: 'buildkit_last_successful_resync_timestamp_seconds',
  reports: 'buildkit_connection_reports_total',
  recordedEvents: 'buildkit_kubernetes_events_total',
  watchOpen: 'buildkit_bridge_watch_open',
  watchLists: 'buildkit_bridge_lists_total',
  deliveries: 'buildkit_bridge_deliveries_total',
  undelivered: 'buildkit_bridge_undelivered_events',
  gatewayOpen: 'buildkit_gateway_open_connections',
  gatewayConnections: 'buildkit_gateway_connections_total',
  gatewayWaitSeconds: 'buildkit_gateway_wait_duration_seconds',
  gatewayBytes: 'buildkit_gateway_bytes_total',
  gatewayCalls: 'buildkit_gateway_calls_total',
} as const;

/** Header of every answer to a client: what names the request in the logs. */
export const REQUEST_ID_HEADER = 'X-Request-Id';

/** Label values of the review metrics: never a word of a user's. */
export type Webhook = 'mutate' | 'validate' | 'convert';
export type ReviewOutcome = 'allowed' | 'patched' | 'denied' | 'converted' | 'failed' | 'unavailable' | 'malformed';

/** What an event may be about: label values, beside `resync` for everything and `other` for what is none of these. */
export const EVENT_KINDS = [
  KINDS.pool.kind,
  KINDS.worker.kind,
  KINDS.oidcConfig.kind,
  'Deployment',
  'Service',
  'Namespace',
  'Pod',
  'Lease',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number] | 'resync' | 'other';

/** Label values of the metrics of functions. */
export type RequestOutcome = 'done' | 'not_ours' | 'malformed' | 'refused' | 'too_large' | 'failed';
export type RunOutcome = 'written' | 'unchanged' | 'failed';
export type WriteOutcome = 'written' | 'stale' | 'gone' | 'failed';
export type RecordOutcome = 'told' | 'repeated' | 'known' | 'limited' | 'failed';

/** `keys`: where a gateway takes the CSRs of workers. */
export const PORTS = { gateway: 1235, worker: 1234, keys: 1236, metrics: 9090, functions: 8082 } as const;

/**
 * Secrets that hold a CA. The root signs the intermediates for clients and for servers; the CA of the webhooks is none
 * of them.
 */
export const CA_SECRETS = {
  root: 'buildkit-root-ca',
  clients: 'buildkit-client-ca',
  servers: 'buildkit-server-ca',
  webhooks: 'buildkit-webhook-ca',
} as const;

/** Secret of the CA that signed clients before there was a root above it. */
export const FORMER_CA_SECRET = 'buildkit-ca';

/** Data keys of the Secret of a self-signed CA, beside those of `kubernetes.io/tls`, while it is being replaced. */
export const ROTATION_KEYS = {
  nextCertificate: 'next.crt',
  nextKey: 'next.key',
  previousCertificate: 'previous.crt',
  previousEnd: 'previous.end',
} as const;

/** ConfigMap with the roots to trust, PEM, and with what the authority tells of the CAs, JSON. */
export const TRUST_BUNDLE = { configMap: 'buildkit-trust-bundle', roots: 'ca.crt', status: 'status.json' } as const;

/** On the ConfigMap: since when the roots stand there, RFC 3339. */
export const PUBLISHED_ANNOTATION = `${GROUP}/published-at`;

/** On the Lease of the authority: when somebody asked for a new root, RFC 3339. */
export const ROTATE_ANNOTATION = `${GROUP}/rotation-requested-at`;

/** Lease of the one writer of keys and CA bundles. */
export const AUTHORITY_LEASE = 'buildkit-authority';

/** CronJob that runs the authority every day. */
export const AUTHORITY_CRON_JOB = 'buildkit-authority';

/** ConfigMap with the settings of the install: the cluster's name, which has no default. */
export const INSTALL_SETTINGS = { configMap: 'buildkit-install', clusterFqdn: 'cluster-fqdn' } as const;

/** What names of Services end in, where the install says nothing else. */
export const DEFAULT_CLUSTER_DOMAIN = 'cluster.local';

/** Secret the function `api` serves with, and the Service where clients find it. */
export const API = { tlsSecret: 'buildkit-api-tls', service: 'buildkit-api' } as const;

/** Secret the webhooks serve with, and the Service the apiserver finds them at. */
export const WEBHOOKS = { tlsSecret: 'buildkit-webhook-tls', service: 'buildkit-webhooks' } as const;

/** Deployment that tells of changes where there is no Knative. */
export const BRIDGE = 'buildkit-bridge';

/** Where the apiserver posts ConversionReviews. */
export const CONVERSION_PATH = '/convert';

/** Both webhook configurations have this name. */
export const WEBHOOK_CONFIGURATION = 'buildkit-controller';

export const gatewayDeploymentName = (pool: string): string => `${pool}-gateway`;
/** The way back; undefined for a Deployment that is no gateway. */
export const poolOfGatewayDeployment = (deployment: string): string | undefined =>
  deployment.endsWith('-gateway') ? deployment.slice(0, -'-gateway'.length) : undefined;
/** Who the Pods of a gateway are. */
export const gatewayAccountName = gatewayDeploymentName;
export const gatewayServiceName = (pool: string): string => pool;
export const poolEndpoint = (namespace: string, pool: string, port: number = PORTS.gateway): string =>
  `tcp://${gatewayServiceName(pool)}.${namespace}.svc:${port}`;

/** Who wrote what, in `metadata.managedFields`: each part has its own name. */
export const FIELD_MANAGERS = {
  api: 'buildkit-api',
  status: 'buildkit-status',
  lifecycle: 'buildkit-lifecycle',
  authority: 'buildkit-authority',
  webhooks: 'buildkit-webhooks',
  bridge: 'buildkit-bridge',
  bkctl: 'bkctl',
} as const;

/** Where the functions take events. */
export const STATUS_EVENTS_PATH = '/status/events';
export const STATUS_REPORTS_PATH = '/status/reports';
export const LIFECYCLE_EVENTS_PATH = '/lifecycle/events';

/** On every pool: a pool goes when no worker of it is in use. */
export const POOL_FINALIZER = `${GROUP}/pool-protection`;

/** Holds one Secret per pool, the CA of its gateway; lifecycle alone may get and create Secrets there. */
export const POOL_CA_NAMESPACE = 'buildkit-pool-cas';

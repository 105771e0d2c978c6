/**
 * The words that cross a process border: group, kinds, labels, names of objects. Each stands here once.
 */
export const GROUP = 'buildkit.smrt-devops.net';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

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

/** Namespace the parts of the controller live in. */
export const SYSTEM_NAMESPACE = 'buildkit-system';

export const LABELS = {
  managedBy: 'app.kubernetes.io/managed-by',
  pool: `${GROUP}/pool`,
  worker: `${GROUP}/worker`,
} as const;

/** Value of the managed-by label on every object we make. */
export const MANAGED_BY = 'buildkit-controller';

/** Verbs on `buildkitpools/<name>`: who may join a pool with a worker, and who may build on it. */
export const VERBS = { attach: 'attach', use: 'use' } as const;

/** Every server answers these: alive, and ready for traffic. */
export const PROBE_PATHS = { alive: '/healthz', ready: '/readyz' } as const;

export const PORTS = { gateway: 1235, functions: 8082 } as const;

/** Secret and data keys that hold a CA: the names `kubernetes.io/tls` Secrets use. */
export const CA_SECRETS = { clients: 'buildkit-ca', webhooks: 'buildkit-webhook-ca' } as const;

/** Secret the webhooks serve with, and the Service the apiserver finds them at. */
export const WEBHOOKS = { tlsSecret: 'buildkit-webhook-tls', service: 'buildkit-webhooks' } as const;

/** Both webhook configurations have this name. */
export const WEBHOOK_CONFIGURATION = 'buildkit-controller';

export const gatewayDeploymentName = (pool: string): string => `${pool}-gateway`;
/** The way back; undefined for a Deployment that is no gateway. */
export const poolOfGatewayDeployment = (deployment: string): string | undefined =>
  deployment.endsWith('-gateway') ? deployment.slice(0, -'-gateway'.length) : undefined;
export const gatewayServiceName = (pool: string): string => pool;
export const poolEndpoint = (namespace: string, pool: string): string =>
  `tcp://${gatewayServiceName(pool)}.${namespace}.svc:${PORTS.gateway}`;

/** Who a status was written by, in `metadata.managedFields`. */
export const STATUS_FIELD_MANAGER = 'buildkit-status';

/** Where the status function takes events. */
export const STATUS_EVENTS_PATH = '/status/events';

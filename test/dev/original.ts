/**
 * The kinds as their first implementation, in Go, installs them: one version, no webhooks, no requester, few rules, and
 * defaults that are written into what is stored. A reconstruction from its documented fields.
 */
import { GROUP, KINDS } from '../../api/names.ts';

type Schema = Record<string, unknown>;

const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
const time: Schema = { type: 'string', format: 'date-time' };
const texts: Schema = { type: 'object', additionalProperties: text };
const list = (items: Schema): Schema => ({ type: 'array', items });
const number = (...bounds: readonly number[]): Schema => ({
  type: 'integer',
  format: 'int32',
  ...(bounds[0] === undefined ? {} : { minimum: bounds[0] }),
  ...(bounds[1] === undefined ? {} : { maximum: bounds[1] }),
});
const oneOf = (...words: readonly string[]): Schema => ({ type: 'string', enum: words });
const by = (schema: Schema, value: unknown): Schema => ({ ...schema, default: value });

/** A member whose name ends in `!` is required. */
function section(members: Record<string, Schema>): Schema {
  const required = Object.keys(members).flatMap((name) => (name.endsWith('!') ? [name.slice(0, -1)] : []));
  const properties = Object.fromEntries(
    Object.entries(members).map(([name, schema]) => [name.replace(/!$/, ''), schema]),
  );
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
}

const quantities: Schema = {
  type: 'object',
  additionalProperties: { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true },
};
const container = section({ limits: quantities, requests: quantities });
const claims = section({ user: text, pools: text });
const serviceType = oneOf('ClusterIP', 'LoadBalancer', 'NodePort');

const poolSpec = section({
  'scaling!': section({
    mode: by(oneOf('auto', 'manual', 'dynamic'), 'auto'),
    min: by(number(0), 0),
    max: by(number(1), 10),
    scaleDownDelay: text,
    targetCPUUtilization: by(number(1, 100), 70),
    targetMemoryUtilization: by(number(1, 100), 80),
    targetActiveConnections: by(number(1), 10),
    scaleDownSchedule: text,
  }),
  'resources!': section({ 'buildkit!': container, 'sidecar!': container }),
  buildkitConfig: text,
  buildkitImage: text,
  gatewayImage: text,
  'cache!': section({
    backends: list(
      section({
        'type!': oneOf('registry', 's3', 'local'),
        registry: section({
          'endpoint!': text,
          mode: by(text, 'max'),
          compression: by(text, 'zstd'),
          insecure: flag,
          credentialsSecret: text,
        }),
        s3: section({ 'bucket!': text, 'region!': text, endpoint: text, credentialsSecret: text }),
        local: section({ 'storageClass!': text, 'size!': text }),
      }),
    ),
    'gc!': section({ enabled: by(flag, true), schedule: text, keepStorage: text, keepDuration: text }),
  }),
  'tls!': section({
    enabled: by(flag, true),
    mode: by(oneOf('auto', 'manual'), 'auto'),
    auto: section({ serverCertDuration: text, rotateBeforeExpiry: text, organization: text }),
    manual: section({ 'serverCertSecret!': text, 'caSecret!': text }),
  }),
  'auth!': section({
    methods: list(
      section({
        'type!': oneOf('mtls', 'token', 'oidc'),
        mtls: section({ required: by(flag, true), clientCASecret: text }),
        token: section({ 'secretRef!': text }),
        oidc: section({ 'issuer!': text, 'audience!': text, 'claimsMapping!': claims }),
      }),
    ),
    rbac: section({
      enabled: by(flag, true),
      rules: list(section({ 'users!': list(text), 'pools!': list(text) })),
    }),
  }),
  'networking!': section({
    serviceType: by(serviceType, 'ClusterIP'),
    external: section({ enabled: flag, hostname: text, annotations: texts }),
    port: by(number(), 1235),
    allowedCIDRs: list(text),
    annotations: texts,
  }),
  'observability!': section({
    'metrics!': section({ enabled: by(flag, true), port: by(number(), 9090) }),
    'logging!': section({ level: by(text, 'info'), format: by(text, 'json') }),
  }),
  gateway: section({
    enabled: by(flag, true),
    replicas: by(number(1), 1),
    resources: section({ cpu: text, memory: text }),
    tokenTTL: text,
    maxTokenTTL: text,
    serviceType: by(serviceType, 'ClusterIP'),
    port: number(),
    nodePort: number(30_000, 32_767),
    loadBalancerClass: text,
    gatewayAPI: section({
      enabled: flag,
      gatewayRef: section({ name: text, namespace: text }),
      gatewayClassName: text,
      gatewayName: text,
      hostname: text,
      tls: section({
        mode: by(oneOf('terminate', 'passthrough'), 'passthrough'),
        secretName: text,
        secretNamespace: text,
        autoGenerate: by(flag, true),
      }),
      annotations: texts,
    }),
    ingress: section({
      enabled: flag,
      ingressClassName: text,
      hostname: text,
      tls: section({ enabled: flag, secretName: text }),
      annotations: texts,
    }),
  }),
});

const conditions = list(
  section({
    'type!': text,
    'status!': text,
    'reason!': text,
    'message!': text,
    'lastTransitionTime!': time,
    observedGeneration: { type: 'integer', format: 'int64' },
  }),
);

const poolStatus = section({
  conditions,
  endpoint: text,
  phase: oneOf('Pending', 'Running', 'ScaledToZero', 'Failed'),
  gateway: section({
    ready: flag,
    replicas: number(),
    readyReplicas: number(),
    deploymentName: text,
    serviceName: text,
  }),
  workers: section(
    Object.fromEntries(
      ['total', 'ready', 'idle', 'allocated', 'provisioning', 'failed', 'desired', 'needed'].map((name) => [
        name,
        number(),
      ]),
    ),
  ),
  lastActivityTime: time,
  serverCert: section({ notBefore: time, notAfter: time, renewalTime: time }),
  tlsSecretName: text,
  workerTLSSecretName: text,
  lastScaleTime: time,
  connections: section({ active: number(), total: { type: 'integer', format: 'int64' }, lastConnectionTime: time }),
});

const workerSpec = section({
  'poolRef!': section({ 'name!': text, namespace: text }),
  allocation: section({
    'jobId!': text,
    'token!': text,
    requestedBy: text,
    'allocatedAt!': time,
    expiresAt: time,
    metadata: texts,
  }),
});
const workerStatus = section({
  phase: oneOf('Pending', 'Provisioning', 'Running', 'Idle', 'Allocated', 'Terminating', 'Failed'),
  conditions,
  podName: text,
  podIP: text,
  endpoint: text,
  createdAt: time,
  readyAt: time,
  lastActivityAt: time,
  allocationCount: number(),
  message: text,
});

const oidcConfigSpec = section({
  'issuer!': text,
  'audience!': text,
  claimsMapping: claims,
  clientID: text,
  clientSecretRef: section({ 'name!': text, namespace: text, key: text }),
  enabled: by(flag, true),
});
const oidcConfigStatus = section({ ready: flag, message: text, conditions });

function makeDefinition(names: (typeof KINDS)[keyof typeof KINDS], spec: Schema, status: Schema): object {
  const { kind, plural, singular } = names;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: { apiVersion: text, kind: text, metadata: { type: 'object' }, spec, status },
            },
          },
        },
      ],
    },
  };
}

export const originalDefinitions: readonly object[] = [
  makeDefinition(KINDS.pool, poolSpec, poolStatus),
  makeDefinition(KINDS.worker, workerSpec, workerStatus),
  makeDefinition(KINDS.oidcConfig, oidcConfigSpec, oidcConfigStatus),
];

const make = (kind: string, namespace: string, name: string, spec: object) => ({
  apiVersion: `${GROUP}/v1alpha1`,
  kind,
  metadata: { namespace, name },
  spec,
});
const empty = { scaling: {}, resources: { buildkit: {}, sidecar: {} }, cache: { gc: {} }, tls: {}, auth: {} };
const sections = { ...empty, networking: {}, observability: { metrics: {}, logging: {} } };

/** Every kind, every section, and what no rule of today would let in. */
export const originalObjects: readonly ReturnType<typeof make>[] = [
  make('BuildKitPool', 'builders', 'minimal', sections),
  make('BuildKitPool', 'builders', 'full', {
    ...sections,
    scaling: { mode: 'auto', min: 1, max: 5, scaleDownDelay: '10m', scaleDownSchedule: '0 20 * * 1-5' },
    resources: { buildkit: { limits: { cpu: 2, memory: '4Gi' } }, sidecar: { limits: { cpu: '100m' } } },
    buildkitConfig: 'debug = true\n',
    buildkitImage: 'moby/buildkit:master-rootless',
    cache: {
      backends: [{ type: 'registry', registry: { endpoint: 'ghcr.io' } }],
      gc: { schedule: '0 2 * * *', keepStorage: '10GB', keepDuration: '168h' },
    },
    tls: { auto: { serverCertDuration: '2160h', rotateBeforeExpiry: '720h' } },
    auth: {
      methods: [
        { type: 'mtls', mtls: {} },
        { type: 'oidc', oidc: { issuer: 'https://gitlab.com', audience: 'builds', claimsMapping: { user: 'sub' } } },
      ],
      rbac: { rules: [{ users: ['alice'], pools: ['*'] }] },
    },
    networking: { port: 1235, allowedCIDRs: ['10.0.0.0/8'] },
    gateway: { resources: { cpu: '500m', memory: '256Mi' }, tokenTTL: '30m', gatewayAPI: { enabled: true, tls: {} } },
  }),
  make('BuildKitPool', 'builders', 'broken', {
    ...sections,
    scaling: { min: 5, max: 2, scaleDownDelay: 'soon', scaleDownSchedule: 'at night' },
    buildkitConfig: '[worker.oci',
    cache: { gc: { keepStorage: 'much' } },
    tls: { enabled: false },
    networking: { allowedCIDRs: ['everywhere'] },
    gateway: { gatewayAPI: { hostname: 'localhost' } },
  }),
  make('BuildKitOIDCConfig', 'builders', 'shared', { issuer: 'https://gitlab.com', audience: 'builds' }),
  make('BuildKitWorker', 'builders', 'near', { poolRef: { name: 'minimal' } }),
  make('BuildKitWorker', 'builders', 'leased', {
    poolRef: { name: 'minimal', namespace: 'builders' },
    allocation: { jobId: 'job', token: 'in plain text', allocatedAt: '2025-12-18T23:00:00Z' },
  }),
  make('BuildKitWorker', 'guests', 'far', { poolRef: { name: 'minimal', namespace: 'builders' } }),
];

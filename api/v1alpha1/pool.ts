/** BuildKitPool v1alpha1. */
import { z } from 'zod';
import {
  annotations,
  claimsMapping,
  conditions,
  count,
  duration,
  int32,
  longCount,
  port,
  quantity,
  resourceRequirements,
  secretName,
  text,
  time,
  type ObjectMeta,
} from '../fields.ts';
import { maxNamespaceLength, maxObjectNameLength } from '../limits.ts';

const hostname = (description: string) => text(253, description);
const serviceType = z.enum(['ClusterIP', 'LoadBalancer', 'NodePort']).describe('Type of the Service.');

const scaling = z
  .object({
    mode: z.enum(['auto', 'manual', 'dynamic']).describe('How the number of workers is decided.'),
    min: int32(0, 1000, 'Idle workers kept ready; 0 scales to zero.'),
    max: int32(1, 1000, 'Most workers at once.'),
    scaleDownDelay: duration('How long a worker idles before it goes.'),
    targetCPUUtilization: int32(1, 100, 'Average CPU use that adds a worker, in percent.'),
    targetMemoryUtilization: int32(1, 100, 'Average memory use that adds a worker, in percent.'),
    targetActiveConnections: int32(1, 100_000, 'Connections per worker that add a worker.'),
    scaleDownSchedule: text(256, 'Cron expression: when it matches, the pool goes to zero.'),
  })
  .partial()
  .describe('How many workers run.');

const resources = z
  .object({
    buildkit: resourceRequirements('Resources of the buildkitd container.'),
    sidecar: resourceRequirements('Resources of the gateway container.'),
  })
  .partial()
  .describe('Resources of the containers.');

const registryCache = z
  .object({
    endpoint: text(1024, 'Image reference the cache is kept under.'),
    mode: z.enum(['min', 'max']).optional().describe('Which layers are exported.'),
    compression: z.enum(['zstd', 'gzip', 'estargz', 'uncompressed']).optional().describe('Compression of layers.'),
    insecure: z.boolean().optional().describe('Allow plain HTTP.'),
    credentialsSecret: secretName('Secret with the registry credentials.').optional(),
  })
  .describe('Cache in a registry.');

const s3Cache = z
  .object({
    bucket: text(255, 'Bucket.'),
    region: text(64, 'Region.'),
    endpoint: text(1024, 'Endpoint, when it is not Amazon.').optional(),
    credentialsSecret: secretName('Secret with the access keys.').optional(),
  })
  .describe('Cache in S3.');

const localCache = z
  .object({
    storageClass: text(maxObjectNameLength, 'StorageClass of the volume.'),
    size: quantity('Size of the volume.'),
  })
  .describe('Cache on a volume.');

const cache = z
  .object({
    backends: z
      .array(
        z
          .object({
            type: z.enum(['registry', 's3', 'local']).describe('Which of the sections counts.'),
            registry: registryCache.optional(),
            s3: s3Cache.optional(),
            local: localCache.optional(),
          })
          .describe('One cache backend.'),
      )
      .max(16)
      .describe('Where build caches are kept.'),
    gc: z
      .object({
        enabled: z.boolean().describe('Collect garbage.'),
        schedule: text(256, 'Cron expression.'),
        keepStorage: quantity('Storage that is kept.'),
        keepDuration: duration('Age that is kept.'),
      })
      .partial()
      .describe('Garbage collection.'),
  })
  .partial()
  .describe('Build caches.');

const tls = z
  .object({
    enabled: z.boolean().describe('TLS is always on.'),
    mode: z.enum(['auto', 'manual']).describe('Who makes the certificates.'),
    auto: z
      .object({
        serverCertDuration: duration('Life of the server certificate.'),
        rotateBeforeExpiry: duration('How long before expiry it is replaced.'),
        organization: text(256, 'Organization in the subject.'),
      })
      .partial()
      .describe('Certificates made by the controller.'),
    manual: z
      .object({
        serverCertSecret: secretName('Secret with the server certificate.'),
        caSecret: secretName('Secret with its CA.'),
      })
      .describe('Certificates brought by the owner.'),
  })
  .partial()
  .describe('Certificates of the gateway.');

const inlineOidc = z
  .object({
    issuer: text(2048, 'Issuer URL, compared byte for byte.'),
    audience: text(1024, 'Audience a token must name.'),
    claimsMapping: claimsMapping.optional(),
  })
  .describe('OIDC issuer that counts for this pool alone.');

const authMethod = z
  .object({
    type: z.enum(['mtls', 'token', 'oidc']).describe('Which of the sections counts.'),
    mtls: z
      .object({
        required: z.boolean().optional().describe('Refuse connections without a client certificate.'),
        clientCASecret: secretName('Secret with the CA of client certificates.').optional(),
      })
      .optional()
      .describe('Client certificates.'),
    token: z
      .object({ secretRef: secretName('Secret with the tokens.') })
      .optional()
      .describe('Static tokens.'),
    oidc: inlineOidc.optional(),
  })
  .describe('One way to authenticate.');

const auth = z
  .object({
    methods: z.array(authMethod).max(16).describe('Ways to authenticate.'),
    rbac: z
      .object({
        enabled: z.boolean().optional().describe('Whether the rules count.'),
        rules: z
          .array(
            z
              .object({
                users: z.array(text(1024, 'User, `*` as wildcard.')).max(64).describe('Who.'),
                pools: z
                  .array(text(256, 'Pool, `*` as wildcard.'))
                  .max(64)
                  .describe('Which pools; never another than this one.'),
              })
              .describe('One rule.'),
          )
          .max(64)
          .optional()
          .describe('Who may use the pool.'),
      })
      .describe('Rules of this pool.'),
  })
  .partial()
  .describe('Who may use the pool.');

const networking = z
  .object({
    serviceType,
    external: z
      .object({
        enabled: z.boolean().describe('Expose the gateway outside the cluster.'),
        hostname: hostname('Name clients connect to.'),
        annotations: annotations('Annotations of the exposing object.'),
      })
      .partial()
      .describe('Exposure outside the cluster.'),
    port: port('Port of the Service.'),
    allowedCIDRs: z.array(text(43, 'CIDR.')).max(64).describe('Addresses that may connect.'),
    annotations: annotations('Annotations of the Service.'),
  })
  .partial()
  .describe('How the gateway is reached; `gateway` wins where both speak.');

const observability = z
  .object({
    metrics: z
      .object({ enabled: z.boolean().describe('Serve metrics.'), port: port('Port of the metrics.') })
      .partial()
      .describe('Metrics.'),
    logging: z
      .object({
        level: z.enum(['debug', 'info', 'warn', 'error']).describe('Least level that is logged.'),
        format: z.enum(['json', 'text']).describe('Format of a line.'),
      })
      .partial()
      .describe('Logs.'),
  })
  .partial()
  .describe('Metrics and logs.');

const gatewayAPI = z
  .object({
    enabled: z.boolean().describe('Make a route for the gateway.'),
    gatewayRef: z
      .object({
        name: text(maxObjectNameLength, 'Name of the Gateway.'),
        namespace: text(maxNamespaceLength, "Its namespace; the pool's when absent."),
      })
      .partial()
      .describe('Existing Gateway to attach to.'),
    gatewayClassName: text(maxObjectNameLength, 'Class of the Gateway that is made.'),
    gatewayName: text(maxObjectNameLength, 'Name of the Gateway that is made.'),
    hostname: hostname('Name clients connect to.'),
    tls: z
      .object({
        mode: z.enum(['terminate', 'passthrough']).describe('Where TLS ends.'),
        secretName: secretName('Secret for terminate.'),
        secretNamespace: text(maxNamespaceLength, 'Its namespace.'),
        autoGenerate: z.boolean().describe('Make the Secret.'),
      })
      .partial()
      .describe('TLS of the listener.'),
    annotations: annotations('Annotations of the Gateway.'),
  })
  .partial()
  .describe('Exposure by the Gateway API.');

const ingress = z
  .object({
    enabled: z.boolean().describe('Make an Ingress for the gateway.'),
    ingressClassName: text(maxObjectNameLength, 'Class of the Ingress.'),
    hostname: hostname('Name clients connect to.'),
    tls: z
      .object({ enabled: z.boolean().describe('Serve TLS.'), secretName: secretName('Secret with the certificate.') })
      .partial()
      .describe('TLS of the Ingress.'),
    annotations: annotations('Annotations of the Ingress.'),
  })
  .partial()
  .describe('Exposure by an Ingress.');

const gateway = z
  .object({
    enabled: z.boolean().describe('Run a gateway.'),
    replicas: int32(1, 100, 'Gateway Pods.'),
    resources: z
      .object({ cpu: quantity('CPU limit.'), memory: quantity('Memory limit.') })
      .partial()
      .describe('Limits of a gateway Pod.'),
    tokenTTL: duration('Life of a client certificate when the request names none.'),
    maxTokenTTL: duration('Longest life a request may ask for.'),
    serviceType,
    port: port('Port of the Service.'),
    nodePort: int32(30_000, 32_767, 'Port on the nodes.'),
    loadBalancerClass: text(maxObjectNameLength, 'Class of the load balancer.'),
    gatewayAPI,
    ingress,
  })
  .partial()
  .describe('The gateway in front of the workers.');

export const poolSpec = z
  .object({
    scaling,
    resources,
    buildkitConfig: text(65_536, 'buildkitd.toml.'),
    buildkitImage: text(1024, 'Image of buildkitd.'),
    gatewayImage: text(1024, 'Image of the gateway.'),
    cache,
    tls,
    auth,
    networking,
    observability,
    gateway,
  })
  .partial()
  .describe('What the pool should be. An empty spec is a good pool.');

export const poolPhase = z.enum(['Pending', 'Running', 'ScaledToZero', 'Terminating', 'Failed']);

export const workerCounts = z
  .object({
    total: count('Workers of every namespace that serve this pool.'),
    ready: count('Idle and allocated workers.'),
    idle: count('Workers nobody uses.'),
    allocated: count('Workers in use.'),
    provisioning: count('Workers that are starting.'),
    failed: count('Workers that failed.'),
    desired: count('Workers wanted: `scaling.min` idle ones beside the allocated, at most `scaling.max`.'),
    needed: count('Workers missing to that.'),
  })
  .partial()
  .describe('Workers by state.');

export const connections = z
  .object({
    active: count('Connections open now.'),
    total: longCount('Connections ever opened.'),
    lastConnectionTime: time('When the last one was opened.'),
  })
  .partial()
  .describe('Client connections through the gateway.');

export const gatewayStatus = z
  .object({
    ready: z.boolean().describe('Whether a gateway Pod serves.'),
    replicas: count('Gateway Pods wanted.'),
    readyReplicas: count('Gateway Pods that serve.'),
    deploymentName: text(maxObjectNameLength, 'Deployment of the gateway.'),
    serviceName: text(maxObjectNameLength, 'Service of the gateway.'),
  })
  .partial()
  .describe('The gateway.');

export const poolStatus = z
  .object({
    conditions,
    phase: poolPhase.describe('One word for the state.'),
    endpoint: text(1024, 'Where clients connect.'),
    gateway: gatewayStatus,
    workers: workerCounts,
    connections,
    lastActivityTime: time('When the pool was last used.'),
    serverCert: z
      .object({
        notBefore: time('Valid from.'),
        notAfter: time('Valid until.'),
        renewalTime: time('When it is replaced.'),
      })
      .partial()
      .describe('Certificate the gateway serves.'),
    tlsSecretName: secretName('Secret with the gateway certificate.'),
    workerTLSSecretName: secretName('Secret with the worker certificate.'),
    lastScaleTime: time('When the number of workers last changed.'),
    observedGeneration: longCount('Generation of the spec this was computed from.'),
  })
  .partial()
  .describe('What the pool is.');

export type PoolPhase = z.infer<typeof poolPhase>;
export type PoolStatus = z.infer<typeof poolStatus>;

export interface Pool {
  readonly metadata: ObjectMeta;
  readonly spec: z.infer<typeof poolSpec>;
  readonly status?: PoolStatus;
}

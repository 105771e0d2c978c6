/** Sections of a pool that say the same in both versions. */
import * as z from 'zod';
import { annotations, cidrs, int32, namespaceName, port } from './fields.ts';
import {
  bucketName,
  cron,
  duration,
  endpointUrl,
  hostname,
  imageReference,
  objectName,
  quantity,
  regionName,
  storageSize,
} from './formats.ts';
import { withRules } from './rule.ts';

export const serviceType = z.enum(['ClusterIP', 'LoadBalancer', 'NodePort']).describe('Type of the Service.');

export const serviceAnnotations = annotations('Annotations of the Service.');
export const allowedCIDRs = cidrs('Addresses that may connect.');
export const proxyProtocolCIDRs = cidrs(
  'Load balancers whose PROXY protocol header says where a connection comes from; no header is read when absent.',
);

export const certificateMode = z.enum(['auto', 'manual']).describe('Who makes the certificate.');

/** Bounds of the number of workers, and the words of `scaling` that both versions share. */
export const scalingMode = z.enum(['auto', 'manual', 'dynamic']).describe('How the number of workers is decided.');
export const minWorkers = int32(0, 1000, 'Idle workers kept ready; 0 scales to zero.');
export const maxWorkers = int32(1, 1000, 'Most workers at once; 10 when absent.');
export const idleTimeout = duration('How long a worker idles before it goes.');
export const scaleDownSchedule = cron('Cron expression: when it matches, the pool goes to zero.');
export const cpuUtilization = int32(1, 100, 'Has no effect: leases add workers, not load.');
export const memoryUtilization = int32(1, 100, 'Has no effect: leases add workers, not load.');
export const activeConnections = int32(1, 100_000, 'Connections per worker that add a worker.');

export const orderedBounds = {
  cel: '!has(self.min) || !has(self.max) || self.min <= self.max',
  message: 'expected min <= max',
  holds: ({ min, max }: { min?: number | undefined; max?: number | undefined }) =>
    min === undefined || max === undefined || min <= max,
};

const registryCache = z
  .object({
    endpoint: imageReference('Image reference the cache is kept under.'),
    mode: z.enum(['min', 'max']).optional().describe('Which layers are exported.'),
    compression: z.enum(['zstd', 'gzip', 'estargz', 'uncompressed']).optional().describe('Compression of layers.'),
    insecure: z.boolean().optional().describe('Allow plain HTTP.'),
    credentialsSecret: objectName('Secret with the registry credentials.').optional(),
  })
  .describe('Cache in a registry.');

const s3Cache = z
  .object({
    bucket: bucketName('Bucket.'),
    region: regionName('Region.'),
    endpoint: endpointUrl('Endpoint, when it is not Amazon.').optional(),
    credentialsSecret: objectName('Secret with the access keys.').optional(),
  })
  .describe('Cache in S3.');

const localCache = z
  .object({
    storageClass: objectName('StorageClass of the volume.'),
    size: quantity('Size of the volume.'),
  })
  .describe('Cache on a volume.');

const cacheBackend = withRules(
  z.object({
    type: z.enum(['registry', 's3', 'local']).describe('Which section it is.'),
    registry: registryCache.optional(),
    s3: s3Cache.optional(),
    local: localCache.optional(),
  }),
  {
    cel: "(self.type == 'registry') == has(self.registry) && (self.type == 's3') == has(self.s3) && (self.type == 'local') == has(self.local)",
    message: 'expected the section that type names, and no other',
    holds: (backend) =>
      (['registry', 's3', 'local'] as const).every((name) => (backend.type === name) === (backend[name] !== undefined)),
  },
).describe('One cache backend.');

export const cache = z
  .object({
    backends: z.array(cacheBackend).max(16).describe('Where build caches are kept.'),
    gc: z
      .object({
        enabled: z.boolean().describe('Collect garbage.'),
        schedule: cron('Has no effect: garbage is collected after builds.'),
        keepStorage: storageSize('Storage that is kept.'),
        keepDuration: duration('Age that is kept.'),
      })
      .partial()
      .describe('Garbage collection.'),
  })
  .partial()
  .describe('Build caches.');

export const observability = z
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

export const gatewayAPI = z
  .object({
    enabled: z.boolean().describe('Make a route for the gateway.'),
    gatewayRef: z
      .object({
        name: objectName('Name of the Gateway.'),
        namespace: namespaceName("Its namespace; the pool's when absent."),
      })
      .partial()
      .describe('Existing Gateway to attach to.'),
    gatewayClassName: objectName('Class of the Gateway that is made.'),
    gatewayName: objectName('Name of the Gateway that is made.'),
    hostname: hostname('Name clients connect to.'),
    tls: z
      .object({
        mode: z.enum(['terminate', 'passthrough']).describe('Where TLS ends.'),
        secretName: objectName('Secret for terminate.'),
        secretNamespace: namespaceName('Its namespace.'),
        autoGenerate: z.boolean().describe('Make the Secret.'),
      })
      .partial()
      .describe('TLS of the listener.'),
    annotations: annotations('Annotations of the Gateway.'),
  })
  .partial()
  .describe('Exposure by the Gateway API.');

export const ingress = z
  .object({
    enabled: z.boolean().describe('Make an Ingress for the gateway.'),
    ingressClassName: objectName('Class of the Ingress.'),
    hostname: hostname('Name clients connect to.'),
    tls: z
      .object({ enabled: z.boolean().describe('Serve TLS.'), secretName: objectName('Secret with the certificate.') })
      .partial()
      .describe('TLS of the Ingress.'),
    annotations: annotations('Annotations of the Ingress.'),
  })
  .partial()
  .describe('Exposure by an Ingress.');

/** BuildKitPool v1beta1: grouped by who reads it. */
import * as z from 'zod';
import { access } from '../access.ts';
import { annotations, int32, port, resourceRequirements, text, type ObjectMeta } from '../fields.ts';
import { duration, hostname, imageReference, objectName } from '../formats.ts';
import { labelKey } from '../label-selector.ts';
import { maxBuildkitConfigLength } from '../limits/fields.ts';
import * as section from '../pool-sections.ts';
import { withRules } from '../rule.ts';
import type { PoolStatus } from '../status.ts';
import * as word from '../v1alpha1/words.ts';
import { fewIssuers } from '../v1alpha1/words.ts';
import * as worker from '../worker-sections.ts';

const scaling = withRules(
  z
    .object({
      mode: section.scalingMode,
      min: section.minWorkers,
      max: section.maxWorkers,
      idleTimeout: section.idleTimeout,
      schedule: section.scaleDownSchedule,
      targets: z
        .object({
          cpuUtilization: section.cpuUtilization,
          memoryUtilization: section.memoryUtilization,
          activeConnections: section.activeConnections,
        })
        .partial()
        .describe('What adds a worker when it is exceeded.'),
    })
    .partial(),
  section.orderedBounds,
).describe('How many workers run.');

const workers = z
  .object({
    image: imageReference('Image of buildkitd.'),
    config: text(maxBuildkitConfigLength, 'buildkitd.toml.'),
    resources: resourceRequirements('Resources of the buildkitd container.'),
    scaling,
    template: worker.template,
    isolation: worker.isolation,
    sharing: worker.sharing,
    egress: worker.egress,
    storage: worker.storage,
  })
  .partial()
  .describe('The workers of the pool.');

const service = z
  .object({
    type: section.serviceType,
    port: port('Port of the Service.'),
    nodePort: int32(30_000, 32_767, 'Port on the nodes.'),
    loadBalancerClass: labelKey('Class of the load balancer.'),
    annotations: section.serviceAnnotations,
    allowedCIDRs: section.allowedCIDRs,
  })
  .partial()
  .describe('The Service of the gateway.');

const exposure = z
  .object({
    enabled: z.boolean().describe('Expose the gateway outside the cluster.'),
    hostname: hostname('Name clients connect to.'),
    annotations: annotations('Annotations of the exposing object.'),
    gatewayAPI: section.gatewayAPI,
    ingress: section.ingress,
  })
  .partial()
  .describe('Exposure outside the cluster.');

const gateway = z
  .object({
    enabled: z.boolean().describe('Run a gateway; true when absent.'),
    image: imageReference('Image of the gateway.'),
    replicas: int32(1, 100, 'Gateway Pods.'),
    resources: resourceRequirements('Resources of the gateway container.'),
    service,
    proxyProtocolCIDRs: section.proxyProtocolCIDRs,
    exposure,
  })
  .partial()
  .describe('The gateway in front of the workers.');

const serverCertificate = z
  .object({
    mode: section.certificateMode,
    ttl: duration('Life of the server certificate.'),
    rotateBefore: duration('How long before expiry it is replaced.'),
    organization: text(256, 'Organization in the subject.'),
    manual: z
      .object({
        certSecret: objectName('Secret with the server certificate.'),
        caSecret: objectName('Secret with its CA.'),
      })
      .describe('Certificate brought by the owner, for mode manual.'),
  })
  .partial()
  .describe('What the gateway shows to clients.');

const certificates = z
  .object({
    server: serverCertificate,
    client: z
      .object({
        ttl: duration('Life of a client certificate when the request names none.'),
        maxTTL: duration('Longest life a request may ask for.'),
      })
      .partial()
      .describe('What clients get.'),
  })
  .partial()
  .describe('Certificates of the pool.');

/** What v1alpha1 can say and the sections above can't. `effective` decides what it means beside them. */
const oldWords = z
  .object({
    resources: z.object({ sidecar: word.sidecar }).partial().describe('Resources.'),
    networking: z
      .object({
        serviceType: word.serviceType,
        port: word.servicePort,
        external: word.emptySection('There, and empty.'),
      })
      .partial()
      .describe('How the gateway is reached.'),
    tls: z
      .object({ enabled: word.tlsEnabled, auto: word.emptySection('There, and empty.') })
      .partial()
      .describe('TLS.'),
    auth: word.auth,
    scaling: word.emptySection('There, and empty.'),
    workers: word.emptySection('There, and empty.'),
    gateway: z
      .object({
        resources: z
          .object({ limits: word.emptySection('There, and empty.') })
          .partial()
          .describe('There, and empty.'),
      })
      .partial()
      .describe('There, and empty.'),
    v1beta1: word.emptySection('There, and empty.'),
  })
  .partial()
  .describe('Words of v1alpha1 that have no other place here: pools that are written in v1beta1 need none of them.');

export const poolSpec = withRules(
  z
    .object({
      workers,
      gateway,
      certificates,
      access,
      cache: section.cache,
      observability: section.observability,
      v1alpha1: oldWords,
    })
    .partial(),
  fewIssuers(
    ({ v1alpha1, access }) => ({ methods: v1alpha1?.auth?.methods, inline: access?.oidc?.inline }),
    'self.v1alpha1',
  ),
).describe('What the pool should be. An empty spec is a good pool.');

/** As it is stored. */
export type PoolSpec = z.infer<typeof poolSpec>;

/** What is so, by `effective` alone: every reader of a pool takes this. */
export type EffectiveSpec = Omit<PoolSpec, 'v1alpha1'>;

export interface Pool {
  readonly metadata: ObjectMeta;
  readonly spec: EffectiveSpec;
  readonly status?: PoolStatus;
  /** Why the spec as it is stored can't be read: what stands in `spec` then opens the pool to nobody. */
  readonly fault?: string;
}

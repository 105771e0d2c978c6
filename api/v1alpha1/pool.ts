/** BuildKitPool v1alpha1. */
import * as z from 'zod';
import { access } from '../access.ts';
import { annotations, int32, port, resourceLimits, resourceRequests, resourceRequirements, text } from '../fields.ts';
import { duration, hostname, imageReference, intOrStringQuantity, objectName } from '../formats.ts';
import { labelKey } from '../label-selector.ts';
import { maxBuildkitConfigLength, maxResources } from '../limits/fields.ts';
import * as section from '../pool-sections.ts';
import { withRules } from '../rule.ts';
import * as worker from '../worker-sections.ts';
import * as word from './words.ts';
import { fewIssuers } from './words.ts';

const scaling = withRules(
  z
    .object({
      mode: section.scalingMode,
      min: section.minWorkers,
      max: section.maxWorkers,
      scaleDownDelay: section.idleTimeout,
      targetCPUUtilization: section.cpuUtilization,
      targetMemoryUtilization: section.memoryUtilization,
      targetActiveConnections: section.activeConnections,
      scaleDownSchedule: section.scaleDownSchedule,
    })
    .partial(),
  section.orderedBounds,
).describe('How many workers run.');

const resources = z
  .object({
    buildkit: resourceRequirements('Resources of the buildkitd container.'),
    sidecar: word.sidecar,
  })
  .partial()
  .describe('Resources of the containers.');

const tls = z
  .object({
    enabled: word.tlsEnabled,
    mode: section.certificateMode,
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
        serverCertSecret: objectName('Secret with the server certificate.'),
        caSecret: objectName('Secret with its CA.'),
      })
      .describe('Certificates brought by the owner.'),
  })
  .partial()
  .describe('Certificates of the gateway.');

const networking = z
  .object({
    serviceType: word.serviceType,
    external: z
      .object({
        enabled: z.boolean().describe('Expose the gateway outside the cluster.'),
        hostname: hostname('Name clients connect to.'),
        annotations: annotations('Annotations of the exposing object.'),
      })
      .partial()
      .describe('Exposure outside the cluster.'),
    port: word.servicePort,
    allowedCIDRs: section.allowedCIDRs,
    annotations: section.serviceAnnotations,
  })
  .partial()
  .describe('How the gateway is reached; `gateway` wins where both speak.');

const gatewayResources = withRules(
  z
    .object({
      cpu: intOrStringQuantity.describe('CPU limit.'),
      memory: intOrStringQuantity.describe('Memory limit.'),
      limits: withRules(resourceLimits('Other limits.'), {
        cel: "!('cpu' in self) && !('memory' in self)",
        message: 'expected cpu and memory beside limits, not in them',
        holds: (limits) => !Object.hasOwn(limits, 'cpu') && !Object.hasOwn(limits, 'memory'),
      }),
      requests: resourceRequests('What the scheduler reserves.'),
    })
    .partial(),
  {
    cel: `(has(self.limits) ? size(self.limits) : 0) + (has(self.cpu) ? 1 : 0) + (has(self.memory) ? 1 : 0) <= ${maxResources}`,
    message: `expected at most ${maxResources} limits together`,
    holds: ({ limits = {}, cpu, memory }) =>
      Object.keys(limits).length + [cpu, memory].filter((one) => one !== undefined).length <= maxResources,
  },
).describe('Resources of a gateway Pod.');

const gateway = z
  .object({
    enabled: z.boolean().describe('Run a gateway.'),
    replicas: int32(1, 100, 'Gateway Pods.'),
    resources: gatewayResources,
    tokenTTL: duration('Life of a client certificate when the request names none.'),
    maxTokenTTL: duration('Longest life a request may ask for.'),
    serviceType: section.serviceType,
    port: port('Port of the Service.'),
    nodePort: int32(30_000, 32_767, 'Port on the nodes.'),
    loadBalancerClass: labelKey('Class of the load balancer.'),
    proxyProtocolCIDRs: section.proxyProtocolCIDRs,
    gatewayAPI: section.gatewayAPI,
    ingress: section.ingress,
  })
  .partial()
  .describe('The gateway in front of the workers.');

const workers = z
  .object({
    template: worker.template,
    isolation: worker.isolation,
    sharing: worker.sharing,
    egress: worker.egress,
    storage: worker.storage,
  })
  .partial()
  .describe('The workers of the pool, as far as they are not described elsewhere.');

/** Sections of v1beta1 that are divided otherwise here. */
const newSections = z
  .object({
    workers: z
      .object({
        scaling: z
          .object({ targets: word.emptySection('There, and empty.') })
          .partial()
          .describe('There, and empty.'),
      })
      .partial()
      .describe('There, and empty.'),
    gateway: z
      .object({
        resources: z
          .object({ limits: word.emptySection('There, and empty.') })
          .partial()
          .describe('There, and empty.'),
        service: word.emptySection('There, and empty.'),
        exposure: word.emptySection('There, and empty.'),
      })
      .partial()
      .describe('There, and empty.'),
    certificates: z
      .object({
        server: word.emptySection('There, and empty.'),
        client: word.emptySection('There, and empty.'),
      })
      .partial()
      .describe('There, and empty.'),
    v1alpha1: word.emptySection('There, and empty.'),
  })
  .partial()
  .describe('Empty sections of v1beta1: pools that are written in v1alpha1 need none of them.');

export const poolSpec = withRules(
  z
    .object({
      scaling,
      resources,
      workers,
      buildkitConfig: text(maxBuildkitConfigLength, 'buildkitd.toml.'),
      buildkitImage: imageReference('Image of buildkitd.'),
      gatewayImage: imageReference('Image of the gateway.'),
      cache: section.cache,
      tls,
      auth: word.auth,
      access,
      networking,
      observability: section.observability,
      gateway,
      v1beta1: newSections,
    })
    .partial(),
  fewIssuers(({ auth, access }) => ({ methods: auth?.methods, inline: access?.oidc?.inline }), 'self'),
).describe('What the pool should be. An empty spec is a good pool.');

export type PoolSpec = z.infer<typeof poolSpec>;

/** BuildKitPool v1beta1: grouped by who reads it. */
import * as z from 'zod';
import { access } from '../access.ts';
import { annotations, cidrs, int32, port, resourceRequirements, text, type ObjectMeta } from '../fields.ts';
import { duration, hostname, imageReference, objectName } from '../formats.ts';
import { labelKey, labels, labelValue } from '../label-selector.ts';
import { maxBuildkitConfigLength } from '../limits/fields.ts';
import * as section from '../pool-sections.ts';
import { withRules } from '../rule.ts';
import type { PoolStatus } from '../status.ts';
import { affinity, tolerations } from './placement.ts';

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

const template = z
  .object({
    labels: labels(32, 'Labels of the Pods, beside ours.'),
    annotations: z
      .record(z.string(), text(1024, 'Value of the annotation.'))
      .meta({ maxProperties: 16 })
      .describe('Annotations of the Pods.'),
    nodeSelector: z
      .record(z.string(), labelValue('Value of the label.'))
      .meta({ maxProperties: 16 })
      .describe('Labels a node must have.'),
    tolerations,
    affinity,
    runtimeClassName: objectName('RuntimeClass of the Pods.'),
    priorityClassName: objectName('PriorityClass of the Pods.'),
  })
  .partial()
  .describe('What the Pods of workers have beside what we give them.');

const egress = z
  .object({ allowedCIDRs: cidrs('Cluster, private or link-local addresses that builds may reach.') })
  .partial()
  .describe('Where builds may connect to beside DNS and the outside world.');

const workers = z
  .object({
    image: imageReference('Image of buildkitd.'),
    config: text(maxBuildkitConfigLength, 'buildkitd.toml.'),
    resources: resourceRequirements('Resources of the buildkitd container.'),
    scaling,
    template,
    isolation: z
      .enum(['UserNamespace', 'Privileged'])
      .describe('How the build container is held; UserNamespace when absent.'),
    sharing: z
      .enum(['Domain', 'Pool'])
      .describe('Who may get a worker that was used before: the same trust domain (when absent), or all of the pool.'),
    egress,
  })
  .partial()
  .describe('The workers of the pool.');

const service = z
  .object({
    type: section.serviceType,
    port: port('Port of the Service.'),
    nodePort: int32(30_000, 32_767, 'Port on the nodes.'),
    loadBalancerClass: labelKey('Class of the load balancer.'),
    annotations: annotations('Annotations of the Service.'),
    allowedCIDRs: cidrs('Addresses that may connect.'),
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

export const poolSpec = z
  .object({
    workers,
    gateway,
    certificates,
    access,
    cache: section.cache,
    observability: section.observability,
  })
  .partial()
  .describe('What the pool should be. An empty spec is a good pool.');

export interface Pool {
  readonly metadata: ObjectMeta;
  readonly spec: z.infer<typeof poolSpec>;
  readonly status?: PoolStatus;
}

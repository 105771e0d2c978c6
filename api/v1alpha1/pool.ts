/** BuildKitPool v1alpha1. */
import * as z from 'zod';
import { access, clientRules, inlineIssuer } from '../access.ts';
import { annotations, cidrs, int32, port, resourceRequirements, text, type ObjectMeta } from '../fields.ts';
import { duration, hostname, imageReference, objectName, quantity } from '../formats.ts';
import { labelKey } from '../label-selector.ts';
import { maxBuildkitConfigLength, maxInlineIssuers } from '../limits/fields.ts';
import * as section from '../pool-sections.ts';
import { withRules } from '../rule.ts';
import type { PoolStatus } from '../status.ts';

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
    sidecar: resourceRequirements('Resources of the gateway container.'),
  })
  .partial()
  .describe('Resources of the containers.');

const tls = z
  .object({
    enabled: withRules(z.boolean(), {
      cel: 'self',
      message: 'expected true: TLS cannot be switched off',
      holds: (enabled) => enabled,
    }).describe('TLS is always on.'),
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

const mtls = withRules(
  z.object({
    required: withRules(z.boolean(), {
      cel: 'self',
      message: 'expected true: clients always show a certificate',
      holds: (required) => required,
    })
      .optional()
      .describe('Clients always show a certificate.'),
    clientCASecret: objectName('Refused: only certificates that are issued here count.').optional(),
  }),
  {
    cel: '!has(self.clientCASecret)',
    message: 'expected no clientCASecret: only certificates that are issued here count',
    holds: ({ clientCASecret }) => clientCASecret === undefined,
  },
).describe('Client certificates.');

const authMethod = withRules(
  z.object({
    type: z.enum(['mtls', 'token', 'oidc']).describe('Which section it is; `token` is refused.'),
    mtls: mtls.optional(),
    token: z
      .object({ secretRef: objectName('Secret with the tokens.') })
      .optional()
      .describe('Refused: static tokens do not count.'),
    oidc: inlineIssuer.optional(),
  }),
  {
    cel: "self.type != 'token' && !has(self.token)",
    message: 'expected mtls or oidc: static tokens do not count, tokens of ServiceAccounts and OIDC issuers do',
    holds: ({ type, token }) => type !== 'token' && token === undefined,
  },
  {
    cel: "(self.type == 'oidc') == has(self.oidc) && (self.type == 'mtls' || !has(self.mtls))",
    message: 'expected the section that type names, and no other',
    holds: ({ type, mtls, oidc }) =>
      (type === 'oidc') === (oidc !== undefined) && (type === 'mtls' || mtls === undefined),
  },
).describe('One way to authenticate.');

const rbac = withRules(
  z.object({
    enabled: z.boolean().optional().describe('Whether the rules count; true when absent.'),
    rules: clientRules.optional(),
  }),
  {
    cel: '!has(self.enabled) || self.enabled || !has(self.rules) || size(self.rules) == 0',
    message: 'expected no rules where enabled is false: remove the rules, or let them count',
    holds: ({ enabled, rules = [] }) => enabled !== false || rules.length === 0,
  },
).describe('Rules of this pool.');

const auth = z
  .object({ methods: z.array(authMethod).max(16).describe('Ways to authenticate.'), rbac })
  .partial()
  .describe('Who may use the pool; `access` says the same and more.');

const networking = z
  .object({
    serviceType: section.serviceType,
    external: z
      .object({
        enabled: z.boolean().describe('Expose the gateway outside the cluster.'),
        hostname: hostname('Name clients connect to.'),
        annotations: annotations('Annotations of the exposing object.'),
      })
      .partial()
      .describe('Exposure outside the cluster.'),
    port: port('Port of the Service.'),
    allowedCIDRs: cidrs('Addresses that may connect.'),
    annotations: annotations('Annotations of the Service.'),
  })
  .partial()
  .describe('How the gateway is reached; `gateway` wins where both speak.');

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
    serviceType: section.serviceType,
    port: port('Port of the Service.'),
    nodePort: int32(30_000, 32_767, 'Port on the nodes.'),
    loadBalancerClass: labelKey('Class of the load balancer.'),
    gatewayAPI: section.gatewayAPI,
    ingress: section.ingress,
  })
  .partial()
  .describe('The gateway in front of the workers.');

const inlineCount = (issuers: readonly unknown[] | undefined): number => issuers?.length ?? 0;

export const poolSpec = withRules(
  z
    .object({
      scaling,
      resources,
      buildkitConfig: text(maxBuildkitConfigLength, 'buildkitd.toml.'),
      buildkitImage: imageReference('Image of buildkitd.'),
      gatewayImage: imageReference('Image of the gateway.'),
      cache: section.cache,
      tls,
      auth,
      access,
      networking,
      observability: section.observability,
      gateway,
    })
    .partial(),
  {
    cel: '!has(self.auth) || !has(self.auth.rbac) || !has(self.auth.rbac.rules) || size(self.auth.rbac.rules) == 0 || !has(self.access) || !has(self.access.clients) || !has(self.access.clients.rules)',
    message: 'expected rules in auth.rbac.rules or in access.clients.rules, not in both',
    holds: ({ auth, access }) => (auth?.rbac?.rules ?? []).length === 0 || access?.clients?.rules === undefined,
  },
  {
    cel: `(has(self.auth) && has(self.auth.methods) ? self.auth.methods.filter(m, m.type == 'oidc').size() : 0) + (has(self.access) && has(self.access.oidc) && has(self.access.oidc.inline) ? self.access.oidc.inline.size() : 0) <= ${maxInlineIssuers}`,
    message: `expected at most ${maxInlineIssuers} issuers in auth.methods and access.oidc.inline together`,
    holds: ({ auth, access }) =>
      inlineCount(auth?.methods?.filter(({ type }) => type === 'oidc')) + inlineCount(access?.oidc?.inline) <=
      maxInlineIssuers,
  },
  {
    cel: '(has(self.resources) && has(self.resources.sidecar) && has(self.resources.sidecar.limits) ? size(self.resources.sidecar.limits) : 0) + (has(self.gateway) && has(self.gateway.resources) ? (has(self.gateway.resources.cpu) ? 1 : 0) + (has(self.gateway.resources.memory) ? 1 : 0) : 0) <= 16',
    message: 'expected at most 16 limits in resources.sidecar and gateway.resources together',
    holds: ({ resources, gateway }) =>
      Object.keys(resources?.sidecar?.limits ?? {}).length + Object.keys(gateway?.resources ?? {}).length <= 16,
  },
).describe('What the pool should be. An empty spec is a good pool.');

export interface Pool {
  readonly metadata: ObjectMeta;
  readonly spec: z.infer<typeof poolSpec>;
  readonly status?: PoolStatus;
}

/** `spec.access` of a pool: who may join it and who may build on it. Decides, so both versions say it alike. */
import * as z from 'zod';
import { boundClaims, claimsMapping, int32, issuerUrl, namespaceName, someText, text, time } from './fields.ts';
import { objectName } from './formats.ts';
import { labelSelector } from './label-selector.ts';
import {
  maxClientRules,
  maxConfigRefs,
  maxInlineIssuers,
  maxPrincipalLength,
  maxRevokedPrincipals,
} from './limits/fields.ts';
import { withRules } from './rule.ts';

const namespaceSelector = withRules(labelSelector('Namespaces by their labels.'), {
  cel: '(has(self.matchLabels) && size(self.matchLabels) > 0) || (has(self.matchExpressions) && size(self.matchExpressions) > 0)',
  message: 'expected at least one requirement: an empty selector would admit every namespace',
  holds: ({ matchLabels = {}, matchExpressions = [] }) =>
    Object.keys(matchLabels).length > 0 || matchExpressions.length > 0,
});

const namespaces = withRules(
  z.object({
    from: z
      .enum(['Same', 'All', 'Selector', 'None'])
      .describe("The pool's own namespace, all, those of the selector, or none."),
    selector: namespaceSelector.optional(),
  }),
  {
    cel: "(self.from == 'Selector') == has(self.selector)",
    message: 'expected a selector where from is Selector, and none otherwise',
    holds: ({ from, selector }) => (from === 'Selector') === (selector !== undefined),
  },
).describe('Namespaces that are let in; Same when absent.');

/** `pools` narrows the pool that owns the rule and never grants another. */
export const clientRules = z
  .array(
    z
      .object({
        users: z.array(text(1024, 'User, `*` as wildcard.')).max(64).describe('Who.'),
        pools: z
          .array(text(256, 'Pool, `*` as wildcard.'))
          .max(64)
          .optional()
          .describe('Which pools; never another than this one.'),
        priority: int32(
          -1_000_000,
          1_000_000,
          'Who waits for a worker goes before those of lower priority; 0 when absent.',
        ).optional(),
      })
      .describe('One rule.'),
  )
  .max(maxClientRules)
  .describe('Users who may build on the pool.');

export const inlineIssuer = z
  .object({
    issuer: issuerUrl,
    audience: someText(1024, 'Audience a token must name.'),
    claimsMapping: claimsMapping.optional(),
    boundClaims: boundClaims.optional(),
  })
  .describe('OIDC issuer that counts for this pool alone.');

const limits = z
  .object({
    leases: int32(1, 10_000, 'Workers leased at once.'),
    connections: int32(1, 100_000, 'Connections open at once.'),
    queued: int32(0, 10_000, 'Requests that wait for a worker at once.'),
  })
  .partial()
  .describe('What one principal may hold at once; unlimited when absent.');

const clients = z
  .object({ namespaces, rules: clientRules, limits })
  .partial()
  .describe('Who may build on the pool, and how much of it at once.');

const configRef = z
  .object({
    name: objectName('Name of the BuildKitOIDCConfig.'),
    namespace: namespaceName("Its namespace; the pool's own when absent.").optional(),
  })
  .describe('An OIDC config that is trusted for this pool.');

const oidc = z
  .object({
    configRefs: z
      .array(configRef)
      .max(maxConfigRefs)
      .describe("OIDC configs that count; those of the pool's and the controller's namespace when absent."),
    inline: z.array(inlineIssuer).max(maxInlineIssuers).describe('Issuers that count for this pool alone.'),
  })
  .partial()
  .describe('Whose OIDC tokens count.');

const revokedPrincipal = z
  .object({
    principal: someText(maxPrincipalLength, 'Principal, as it stands in the audit log.').meta({
      example: 'system:serviceaccount:tenant-a:default',
    }),
    before: time('Certificates issued to it before this time are refused.'),
  })
  .describe('A principal whose earlier certificates are refused.');

export const access = z
  .object({
    workers: z.object({ namespaces }).partial().describe('Where workers of the pool may live.'),
    clients,
    oidc,
    revokedBefore: time('Certificates issued before this time are refused.'),
    revokedPrincipals: z
      .array(revokedPrincipal)
      .max(maxRevokedPrincipals)
      .refine((revoked) => new Set(revoked.map(({ principal }) => principal)).size === revoked.length, {
        message: 'expected each principal once',
      })
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['principal'] })
      .describe('Principals whose earlier certificates are refused.'),
  })
  .partial()
  .describe('Who may join the pool with workers, and who may build on it.');

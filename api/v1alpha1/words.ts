/** Words of v1alpha1 that v1beta1 has no other word for: there they stand in `spec.v1alpha1`, by these schemas. */
import * as z from 'zod';
import { clientRules, inlineIssuer } from '../access.ts';
import { port, resourceRequirements } from '../fields.ts';
import { objectName } from '../formats.ts';
import * as section from '../pool-sections.ts';
import { maxInlineIssuers } from '../limits/fields.ts';
import { withRules, type Rule } from '../rule.ts';

/** A section of which nothing else is left. */
export const emptySection = (description: string) => z.object({}).describe(description);

export const tlsEnabled = withRules(z.boolean(), {
  cel: 'self',
  message: 'expected true: TLS cannot be switched off',
  holds: (enabled) => enabled,
}).describe('TLS is always on.');

export const sidecar = resourceRequirements('Resources of the gateway container; `gateway.resources` wins.');
export const serviceType = section.serviceType.describe('Type of the Service; that of `gateway` wins.');
export const servicePort = port('Port of the Service; that of `gateway` wins.');

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

export const auth = z
  .object({ methods: z.array(authMethod).max(16).describe('Ways to authenticate.'), rbac })
  .partial()
  .describe('Who may use the pool; `access` says the same and more.');

interface NamedIssuers {
  readonly methods: readonly { readonly type: string }[] | undefined;
  readonly inline: readonly unknown[] | undefined;
}

/** A rule on the whole spec: `old` is where CEL finds the words of v1alpha1 in it. */
export const fewIssuers = <T>(read: (spec: T) => NamedIssuers, old: 'self' | 'self.v1alpha1'): Rule<T> => {
  const methods = `${old === 'self' ? '' : `has(${old}) && `}has(${old}.auth) && has(${old}.auth.methods)`;
  const inline = 'has(self.access) && has(self.access.oidc) && has(self.access.oidc.inline)';
  return {
    cel: `(${methods} ? ${old}.auth.methods.filter(m, m.type == 'oidc').size() : 0) + (${inline} ? self.access.oidc.inline.size() : 0) <= ${maxInlineIssuers}`,
    message: `expected at most ${maxInlineIssuers} issuers in auth.methods and access.oidc.inline together`,
    holds: (spec) => {
      const named = read(spec);
      const issuers = (named.methods ?? []).filter(({ type }) => type === 'oidc');
      return issuers.length + (named.inline ?? []).length <= maxInlineIssuers;
    },
  };
};

/** Field types that several kinds share. Bounds keep CEL cost estimates finite and objects small. */
import * as z from 'zod';
import {
  maxBoundClaims,
  maxBoundClaimValues,
  maxClaimNameLength,
  maxClaimValueLength,
  maxNamespaceLength,
  maxPoolNameLength,
} from './limits/fields.ts';
import { cidr, intOrStringQuantity } from './formats.ts';
import { withRules } from './rule.ts';

export const text = (maxLength: number, description: string) => z.string().max(maxLength).describe(description);

export const int32 = (minimum: number, maximum: number, description: string) =>
  z.int32().min(minimum).max(maximum).describe(description);

export const port = (description: string) => int32(1, 65_535, description);

/** A count in a status: never negative, never above what JavaScript counts exactly. */
export const count = (description: string) => z.int32().min(0).describe(description);
export const longCount = (description: string) =>
  z.int().min(0).max(Number.MAX_SAFE_INTEGER).meta({ format: 'int64' }).describe(description);

/** RFC 3339, as `metav1.Time` is written. */
export const time = (description: string) => z.iso.datetime({ offset: true }).describe(description);

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** RFC 1035 label: a pool's name becomes the name of its Service. */
export const poolName = (description: string) =>
  z
    .string()
    .min(1)
    .max(maxPoolNameLength)
    .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/)
    .meta({ expected: 'an RFC 1035 label: lower-case letters, digits and hyphens, a letter first' })
    .describe(description);

export const namespaceName = (description: string) =>
  z
    .string()
    .min(1)
    .max(maxNamespaceLength)
    .regex(dnsLabel)
    .meta({ expected: 'an RFC 1123 label: lower-case letters, digits and hyphens' })
    .describe(description);

export const annotations = (description: string) =>
  z.record(z.string(), z.string().max(4096)).meta({ maxProperties: 64 }).describe(description);

export const cidrs = (description: string) => z.array(cidr('CIDR.')).max(64).describe(description);

const quantities = (description: string) =>
  z.record(z.string(), intOrStringQuantity).meta({ maxProperties: 16 }).describe(description);

/** The part of core/v1 ResourceRequirements that a container takes. */
export const resourceRequirements = (description: string) =>
  z
    .object({
      limits: quantities('Most the container may use.'),
      requests: quantities('What the scheduler reserves.'),
    })
    .partial()
    .describe(description);

/** metav1.Condition (https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#Condition). */
export const condition = z
  .object({
    type: text(316, 'Type in PascalCase.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether the condition holds.'),
    reason: z
      .string()
      .min(1)
      .max(1024)
      .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
      .meta({ expected: 'a word in PascalCase' })
      .describe('Machine-readable cause in PascalCase.'),
    message: text(32_768, 'Cause for a person.'),
    lastTransitionTime: time('When the status last changed.'),
    observedGeneration: longCount('Generation of the spec this was computed from.').optional(),
  })
  .describe('One observation of the state of the object.');
export type Condition = z.infer<typeof condition>;

export const conditions = z
  .array(condition)
  .max(16)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
  .describe('Latest observations, one per type.');

/** Issuer of OIDC tokens (https://openid.net/specs/openid-connect-core-1_0.html#IDToken), in the form of RFC 3986. */
export const issuerUrl = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[^\s/?#@]+(\/[^\s?#@]*)?$/)
  .meta({
    expected: 'a URL with https, without userinfo, query or fragment',
    example: 'https://token.actions.githubusercontent.com',
  })
  .describe('Issuer URL, compared byte for byte.');

/** Which claims carry what. */
export const claimsMapping = z
  .object({
    user: text(256, 'Claim that names the user.'),
    pools: text(256, 'Claim that narrows which pools the token may use.'),
  })
  .partial()
  .describe('Claims that carry the user and the pools.');

/**
 * Which tokens of an issuer count: all claims must be there, each with one of its values. Numbers and booleans of a
 * token are compared as their JSON text.
 */
export const boundClaims = withRules(
  z
    .record(
      z.string(),
      z
        .array(text(maxClaimValueLength, 'A value.'))
        .min(1)
        .max(maxBoundClaimValues)
        .describe('Values of which the claim must have one.'),
    )
    .meta({ minProperties: 1, maxProperties: maxBoundClaims, example: '{ repository_id: ["1296269"] }' }),
  {
    cel: `self.all(name, size(name) >= 1 && size(name) <= ${maxClaimNameLength})`,
    message: `expected names of claims of 1 to ${maxClaimNameLength} characters`,
    holds: (claims) => Object.keys(claims).every((name) => name.length >= 1 && name.length <= maxClaimNameLength),
  },
).describe('Claims a token must have, each with one of its values; any token of the issuer when absent.');

export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
}

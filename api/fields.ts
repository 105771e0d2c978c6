/** Field types that several kinds share. Bounds keep CEL cost estimates finite and objects small. */
import * as z from 'zod';
import {
  maxAnnotationLength,
  maxAnnotations,
  maxBoundClaims,
  maxBoundClaimValues,
  maxClaimNameLength,
  maxClaimValueLength,
  maxNamespaceLength,
  maxPoolNameLength,
  maxResources,
  maxTimeLength,
} from './limits/fields.ts';
import { cidr, intOrStringQuantity } from './formats.ts';
import { withRules } from './rule.ts';

/** As the apiserver counts: characters, of which some take two units of a JavaScript string. */
const countCharacters = (value: string): number => Array.from(value).length;

/** Any text of so many characters at most. */
export const text = (maxLength: number, description: string) =>
  z
    .string()
    .refine((value) => value.length <= maxLength || countCharacters(value) <= maxLength, {
      message: `expected at most ${maxLength} characters`,
    })
    .meta({ maxLength })
    .describe(description);

/** The same, where there must be some. */
export const someText = (maxLength: number, description: string) =>
  text(maxLength, description)
    .refine((value) => value !== '', { message: 'expected some text' })
    .meta({ maxLength, minLength: 1 })
    .describe(description);

interface Sizes {
  readonly min?: number;
  readonly max: number;
}

/** A map with so many members, which zod does not count by itself. */
export const boundedRecord = <T extends z.ZodType>(value: T, { min = 0, max }: Sizes) =>
  z
    .record(z.string(), value)
    .refine((members) => Object.keys(members).length >= min && Object.keys(members).length <= max, {
      message: min === 0 ? `expected at most ${max} members` : `expected ${min} to ${max} members`,
    })
    .meta({ maxProperties: max, ...(min === 0 ? {} : { minProperties: min }) });

export const int32 = (minimum: number, maximum: number, description: string) =>
  z.int32().min(minimum).max(maximum).describe(description);

export const port = (description: string) => int32(1, 65_535, description);

/** A count in a status: never negative, never above what JavaScript counts exactly. */
export const count = (description: string) => z.int32().min(0).describe(description);
export const longCount = (description: string) =>
  z.int().min(0).max(Number.MAX_SAFE_INTEGER).meta({ format: 'int64' }).describe(description);

const hours = '([01][0-9]|2[0-3]):[0-5][0-9]';

/**
 * RFC 3339, as `metav1.Time` is written, in capitals. The format `date-time` of a schema would take more than our parser
 * does, and no rule in CEL can narrow it.
 */
export const time = (description: string) =>
  z
    .string()
    .max(maxTimeLength)
    .regex(
      new RegExp(
        `^[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-9]))T${hours}:[0-5][0-9](\\.[0-9]{1,9})?(Z|[-+]${hours})$`,
      ),
    )
    .meta({ expected: 'an RFC 3339 time such as 2026-01-31T12:00:00Z', example: '2026-01-31T12:00:00Z', isTime: true })
    .describe(description);

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
  boundedRecord(text(maxAnnotationLength, 'Value.'), { max: maxAnnotations }).describe(description);

export const cidrs = (description: string) => z.array(cidr('CIDR.')).max(64).describe(description);

const quantities = (description: string) =>
  boundedRecord(intOrStringQuantity, { max: maxResources }).describe(description);

export const resourceLimits = quantities;
export const resourceRequests = quantities;

/** The part of core/v1 ResourceRequirements that a container takes. */
export const resourceRequirements = (description: string) =>
  z
    .object({
      limits: resourceLimits('Most the container may use.'),
      requests: resourceRequests('What the scheduler reserves.'),
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
  boundedRecord(
    z
      .array(text(maxClaimValueLength, 'A value.'))
      .min(1)
      .max(maxBoundClaimValues)
      .describe('Values of which the claim must have one.'),
    { min: 1, max: maxBoundClaims },
  ).meta({ minProperties: 1, maxProperties: maxBoundClaims, example: '{ repository_id: ["1296269"] }' }),
  {
    cel: `self.all(name, size(name) >= 1 && size(name) <= ${maxClaimNameLength})`,
    message: `expected names of claims of 1 to ${maxClaimNameLength} characters`,
    holds: (claims) => Object.keys(claims).every((name) => name !== '' && countCharacters(name) <= maxClaimNameLength),
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

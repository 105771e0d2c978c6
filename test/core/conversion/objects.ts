/** Arbitrary objects of our kinds, made from their schemas: every field occurs. */
import fc, { type Arbitrary } from 'fast-check';
import type { z } from 'zod';
import type { Version } from '../../../api/names.ts';
import { oidcConfigStatus, poolStatus, workerStatus } from '../../../api/status.ts';
import { oidcConfigSpec as alphaOidcConfig } from '../../../api/v1alpha1/oidc-config.ts';
import { poolSpec as alphaPool } from '../../../api/v1alpha1/pool.ts';
import { workerSpec as alphaWorker } from '../../../api/v1alpha1/worker.ts';
import { oidcConfigSpec as betaOidcConfig } from '../../../api/v1beta1/oidc-config.ts';
import { poolSpec as betaPool } from '../../../api/v1beta1/pool.ts';
import { workerSpec as betaWorker } from '../../../api/v1beta1/worker.ts';

export type Json = Record<string, unknown>;

export const runs = { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 200) };

export const versions = ['v1alpha1', 'v1beta1'] as const;
export const otherVersion = (version: Version): Version => (version === 'v1alpha1' ? 'v1beta1' : 'v1alpha1');

export const kinds = {
  BuildKitPool: { v1alpha1: alphaPool, v1beta1: betaPool, status: poolStatus },
  BuildKitWorker: { v1alpha1: alphaWorker, v1beta1: betaWorker, status: workerStatus },
  BuildKitOIDCConfig: { v1alpha1: alphaOidcConfig, v1beta1: betaOidcConfig, status: oidcConfigStatus },
} as const;
export type Kind = keyof typeof kinds;

/** One row for each kind and version. */
export const everyVersion = (Object.keys(kinds) as Kind[]).flatMap((kind) =>
  versions.map((version) => ({ kind, version })),
);

/** Keys and text of every kind: empty, `__proto__`, controls, what is written with several code points or units. */
const oddText = (maxLength: number) =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: Math.min(maxLength, 12) }),
    fc.constantFrom('', '__proto__', '\u0000', '\u2028"\\', 'e\u0301', '🏗️').filter((text) => text.length <= maxLength),
  );
const oddKey = fc.oneof(oddText(12), fc.constantFrom('constructor', 'toString', 'spec', '*'));

const oddJson = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.dictionary(oddKey, fc.jsonValue({ maxDepth: 1 })));

interface Options {
  /** Replaces values by some of another shape, and adds members that no schema has. */
  readonly isOdd: boolean;
}

/** What the schema accepts, or something near it. */
export function fromSchema(schema: z.core.$ZodType, options: Options): Arbitrary<unknown> {
  const shaped = shapedFrom(schema as z.ZodType, options);
  if (options.isOdd) return fc.oneof({ weight: 12, arbitrary: shaped }, { weight: 1, arbitrary: oddJson });
  // Rules between fields, which the parts alone can't know.
  const { checks = [] } = schema._zod.def as { checks?: unknown[] };
  const isRuled = ['object', 'record'].includes(schema._zod.def.type) && checks.length > 0;
  return isRuled ? shaped.filter((value) => (schema as z.ZodType).safeParse(value).success) : shaped;
}

function shapedFrom(schema: z.ZodType, options: Options): Arbitrary<unknown> {
  const { def } = schema._zod as unknown as { def: Definition };
  switch (def.type) {
    case 'object':
      return objectFrom(def.shape, options);
    case 'optional':
      return fromSchema(def.innerType, options);
    case 'array':
      return fc.array(fromSchema(def.element, options), { maxLength: 3 });
    case 'record':
      return fc.dictionary(oddKey, fromSchema(def.valueType, options), { maxKeys: 3 });
    case 'union':
      return fc.oneof(...def.options.map((option) => fromSchema(option, options)));
    case 'enum':
      return fc.constantFrom(...Object.values(def.entries));
    case 'boolean':
      return fc.boolean();
    case 'number':
      return numberFrom(schema as z.ZodNumber);
    case 'string':
      return stringFrom(schema as z.ZodString);
  }
}

type Definition =
  | { readonly type: 'object'; readonly shape: Record<string, z.ZodType> }
  | { readonly type: 'optional'; readonly innerType: z.ZodType }
  | { readonly type: 'array'; readonly element: z.ZodType }
  | { readonly type: 'record'; readonly valueType: z.ZodType }
  | { readonly type: 'union'; readonly options: readonly z.ZodType[] }
  | { readonly type: 'enum'; readonly entries: Record<string, string> }
  | { readonly type: 'boolean' | 'number' | 'string' };

function objectFrom(shape: Record<string, z.ZodType>, options: Options): Arbitrary<unknown> {
  const members = Object.fromEntries(Object.entries(shape).map(([key, schema]) => [key, fromSchema(schema, options)]));
  const requiredKeys = Object.keys(shape).filter((key) => shape[key]?._zod.optin !== 'optional');
  const known = fc.record(members, { requiredKeys: options.isOdd ? [] : requiredKeys });
  if (!options.isOdd) return known;
  const unknown = fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, fc.dictionary(oddKey, oddJson, { maxKeys: 2 }));
  return fc.tuple(unknown, known).map(([more, object]) => ({ ...more, ...object }));
}

const numberFrom = ({ minValue, maxValue }: z.ZodNumber): Arbitrary<number> =>
  fc.integer({ min: minValue ?? -1000, max: Math.min(maxValue ?? 1000, 2 ** 40) });

function stringFrom(schema: z.ZodString): Arbitrary<string> {
  const { minLength, maxLength, format } = schema;
  const fits = (text: string): boolean => schema.safeParse(text).success;
  if (format === 'datetime')
    return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((date) => date.toISOString());
  const checks = (schema.def.checks ?? []) as readonly { _zod: { def: { pattern?: RegExp } } }[];
  const pattern = checks.map((check) => check._zod.def.pattern).find((one) => one !== undefined);
  if (pattern !== undefined) return fc.stringMatching(pattern, { size: '-1' }).filter(fits);
  return oddText(maxLength ?? 100).filter((text) => text.length >= (minLength ?? 0));
}

const annotationKey = fc.stringMatching(/^[a-z]{1,8}\/[a-z]{1,8}$/);

/** Metadata as the apiserver has it: never an empty map. */
const metadata = fc.record(
  {
    name: fc.constant('pool'),
    namespace: fc.constant('tenant-a'),
    uid: fc.uuid(),
    resourceVersion: fc.constant('7'),
    generation: fc.nat(),
    labels: fc.dictionary(annotationKey, oddText(20), { minKeys: 1, maxKeys: 2 }),
    annotations: fc.dictionary(annotationKey, oddText(40), { minKeys: 1, maxKeys: 3 }),
    managedFields: fc.constant([{ manager: 'kubectl', fieldsV1: { 'f:spec': {} } }]),
  },
  { requiredKeys: ['name', 'namespace', 'uid'] },
);

export function objectsOf(kind: Kind, version: Version, options: Options = { isOdd: false }): Arbitrary<Json> {
  const { [version]: spec, status } = kinds[kind];
  return fc.record(
    {
      apiVersion: fc.constant(`buildkit.smrt-devops.net/${version}`),
      kind: fc.constant(kind),
      metadata,
      spec: fromSchema(spec, options),
      status: fromSchema(status, options),
    },
    { requiredKeys: ['apiVersion', 'kind', 'metadata', ...(options.isOdd ? [] : (['spec'] as const))] },
  );
}

/** What may stand in the annotation, whoever wrote it: words of either version, odd ones too, or any text. */
export const anyAnnotation = (kind: Kind): Arbitrary<string> =>
  fc.oneof(
    fc
      .dictionary(
        fc.constantFrom(...versions, 'v2'),
        fc.oneof(
          ...versions.flatMap((version) => [
            fromSchema(kinds[kind][version], { isOdd: true }),
            fromSchema(kinds[kind][version], { isOdd: false }),
          ]),
        ),
      )
      .map((words) => JSON.stringify(words)),
    fc.json(),
    fc.string({ unit: 'binary' }),
  );

/** As text that is the same for equal JSON: members in order. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    const sorted = Object.create(null) as Json;
    for (const key of Object.keys(member).toSorted()) sorted[key] = (member as Json)[key];
    return sorted;
  });
}

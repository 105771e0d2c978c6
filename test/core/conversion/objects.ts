/** Arbitrary objects of our kinds, made from their schemas: every field occurs. */
import fc from 'fast-check';
import type * as z from 'zod';
import { at } from '../../../core/json.ts';
import { GROUP, type Version } from '../../../api/names.ts';
import { oidcConfigStatus, poolStatus, workerStatus } from '../../../api/status.ts';
import { oidcConfigSpec as alphaOidcConfig } from '../../../api/v1alpha1/oidc-config.ts';
import { poolSpec as alphaPool } from '../../../api/v1alpha1/pool.ts';
import { workerSpec as alphaWorker } from '../../../api/v1alpha1/worker.ts';
import { oidcConfigSpec as betaOidcConfig } from '../../../api/v1beta1/oidc-config.ts';
import { poolSpec as betaPool } from '../../../api/v1beta1/pool.ts';
import { workerSpec as betaWorker } from '../../../api/v1beta1/worker.ts';
import {
  always,
  constants,
  dictionary,
  Drawn,
  integer,
  isOnce,
  list,
  oddJson,
  oddKey,
  oddText,
  oneOf,
  record,
  sampled,
  type Draw,
} from './draw.ts';

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

interface Options {
  /** Replaces values by some of another shape, and adds members that no schema has. */
  readonly isOdd: boolean;
}

const made = { odd: new Map<z.core.$ZodType, Draw>(), fitting: new Map<z.core.$ZodType, Draw>() };

/** What the schema accepts, or something near it. */
function fromSchema(schema: z.core.$ZodType, options: Options): Draw {
  const known = made[options.isOdd ? 'odd' : 'fitting'];
  const draw = known.get(schema) ?? makeDraw(schema, options);
  known.set(schema, draw);
  return draw;
}

function makeDraw(schema: z.core.$ZodType, options: Options): Draw {
  const shaped = shapedFrom(schema as z.ZodType, options);
  if (options.isOdd) return (random) => (isOnce(random, 13) ? anyJson(random) : shaped(random));
  // Rules between fields, which the parts alone can't know.
  const { checks = [] } = schema._zod.def as { checks?: unknown[] };
  const isRuled = ['object', 'record'].includes(schema._zod.def.type) && checks.length > 0;
  return isRuled ? drawUntil(shaped, (value) => (schema as z.ZodType).safeParse(value).success) : shaped;
}

const anyJson = oddJson();

function drawUntil(draw: Draw, isRight: (value: unknown) => boolean): Draw {
  return (random) => {
    for (let times = 0; times < 1000; times++) {
      const value = draw(random);
      if (isRight(value)) return value;
    }
    throw new Error('expected a schema that one in a thousand values of its shape fits');
  };
}

function shapedFrom(schema: z.ZodType, options: Options): Draw {
  const { def } = schema._zod as unknown as { def: Definition };
  switch (def.type) {
    case 'object':
      return objectFrom(def.shape, options);
    case 'optional':
      return fromSchema(def.innerType, options);
    case 'array':
      return listFrom(schema, fromSchema(def.element, options));
    case 'record':
      return dictionary({ key: oddKey, value: fromSchema(def.valueType, options), minKeys: 0, maxKeys: 3 });
    case 'union':
      return oneOf(...def.options.map((option) => fromSchema(option, options)));
    case 'enum':
      return constants(...Object.values(def.entries));
    case 'boolean':
      return constants(true, false);
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

function objectFrom(shape: Record<string, z.ZodType>, options: Options): Draw {
  const members = Object.fromEntries(Object.entries(shape).map(([key, schema]) => [key, fromSchema(schema, options)]));
  const required = Object.keys(shape).filter((key) => shape[key]?._zod.optin !== 'optional');
  if (!options.isOdd) return record(members, required);
  const known = record(members, []);
  const unknown = dictionary({ key: oddKey, value: anyJson, minKeys: 0, maxKeys: 2 });
  return (random) => (isOnce(random, 10) ? { ...unknown(random), ...known(random) } : known(random));
}

interface LengthCheck {
  readonly _zod: { readonly def: { readonly minimum?: number; readonly maximum?: number } };
}

/** Lists of up to three items, where as many may be. */
function listFrom(schema: z.ZodType, item: Draw): Draw {
  const { checks = [] } = schema.def as { checks?: readonly LengthCheck[] };
  const bounds = checks.map(({ _zod }) => _zod.def);
  const minimum = Math.max(0, ...bounds.map((bound) => bound.minimum ?? 0));
  return list(item, minimum, Math.min(3, ...bounds.map((bound) => bound.maximum ?? 3)));
}

const numberFrom = ({ minValue, maxValue }: z.ZodNumber): Draw =>
  integer(minValue ?? -1000, Math.min(maxValue ?? 1000, 2 ** 40));

interface StringBounds {
  readonly minLength?: number | null;
  readonly maxLength?: number | null;
  readonly isTime?: boolean;
}

function stringFrom(schema: z.ZodString): Draw {
  const bounds: Readonly<Record<string, unknown>> = schema.meta() ?? {};
  const { isTime, minLength = schema.minLength, maxLength = schema.maxLength } = bounds as StringBounds;
  if (isTime === true) return (random) => new Date(random.nextInt(0, 2 ** 42)).toISOString();
  const checks = (schema.def.checks ?? []) as readonly { _zod: { def: { pattern?: RegExp } } }[];
  const pattern = checks.map((check) => check._zod.def.pattern).find((one) => one !== undefined);
  const fits = (text: unknown): boolean => schema.safeParse(text).success;
  if (pattern !== undefined) return sampled(fc.stringMatching(pattern, { size: '-1' }).filter(fits));
  return (minLength ?? 0) === 0 ? oddText(maxLength ?? 100) : drawUntil(oddText(maxLength ?? 100), fits);
}

const annotationKey = sampled(fc.stringMatching(/^[a-z]{1,8}\/[a-z]{1,8}$/));

/** Metadata as the apiserver has it: never an empty map. */
const metadata = record(
  {
    name: always('pool'),
    namespace: always('tenant-a'),
    uid: sampled(fc.uuid()),
    resourceVersion: always('7'),
    generation: integer(0, 2 ** 40),
    labels: dictionary({ key: annotationKey, value: oddText(20), minKeys: 1, maxKeys: 2 }),
    annotations: dictionary({ key: annotationKey, value: oddText(40), minKeys: 1, maxKeys: 3 }),
    managedFields: always([{ manager: 'kubectl', fieldsV1: { 'f:spec': {} } }]),
  },
  ['name', 'namespace', 'uid'],
);

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** Of an object that was made from its schema what is left must fit it, too. */
export function objectsOf(kind: Kind, version: Version, options: Options = { isOdd: false }): fc.Arbitrary<Json> {
  const { [version]: spec, status } = kinds[kind];
  const apiVersion = `buildkit.smrt-devops.net/${version}`;
  const contents = { metadata, spec: fromSchema(spec, options), status: fromSchema(status, options) };
  const draw = record(contents, ['metadata', ...(options.isOdd ? [] : ['spec'])]);
  return new Drawn(
    (random) => ({ apiVersion, kind, ...draw(random) }),
    (value): value is Json =>
      isObject(value) &&
      value['apiVersion'] === apiVersion &&
      value['kind'] === kind &&
      isObject(value['metadata']) &&
      (options.isOdd || spec.safeParse(value['spec']).success),
  );
}

/** Values that the schema takes. */
export const valuesOf = (schema: z.ZodType): fc.Arbitrary<unknown> =>
  new Drawn<unknown>(fromSchema(schema, { isOdd: false }), (_value): _value is unknown => true);

/** Leaves of a spec by their path, as server-side apply counts them: an empty section is one, a list is one. */
export function listLeaves(spec: unknown): Map<string, unknown> {
  const leaves = new Map<string, unknown>();
  const collect = (value: unknown, path: readonly string[]): void => {
    const members = isObject(value) && !Array.isArray(value) ? Object.entries(value) : [];
    if (members.length === 0) leaves.set(JSON.stringify(path), value);
    for (const [key, member] of members) collect(member, [...path, key]);
  };
  collect(spec, []);
  return leaves;
}

/** Without the empty sections of the other version that have leaves there: they say nothing. */
export function withoutIdleSections(object: Json, convert: (object: Json) => Json): Json {
  const other = otherVersion(object['apiVersion'] === `${GROUP}/v1alpha1` ? 'v1alpha1' : 'v1beta1');
  const { spec } = convert(object);
  const idle = [...listLeaves(object['spec'])]
    .filter(([, value]) => isObject(value) && !Array.isArray(value))
    .map(([path]) => JSON.parse(path) as string[])
    .find((path) => path[0] === other && path.length > 1 && hasMembers(at(spec, path.slice(1))));
  return idle === undefined ? object : withoutIdleSections(without(object, ['spec', ...idle]), convert);
}

const hasMembers = (value: unknown): boolean => isObject(value) && Object.keys(value).length > 0;

export function without(value: Json, [key = '', ...below]: readonly string[]): Json {
  const { [key]: member, ...others } = value;
  return below.length === 0 ? others : { ...others, [key]: without(member as Json, below) };
}

/** Any JSON at all as an object's content. */
export const anyContent: fc.Arbitrary<Json> = new Drawn(
  record(
    {
      metadata: oneOf(
        anyJson,
        dictionary({ key: constants('annotations', 'labels', 'x'), value: anyJson, minKeys: 0, maxKeys: 3 }),
      ),
      spec: anyJson,
      status: anyJson,
    },
    [],
  ),
  isObject,
);

/** Every leaf of the specs of pools and OIDC configs, each with two values, in objects that hold it and what it needs. */
import fc from 'fast-check';
import type * as z from 'zod';
import { GROUP, type Version } from '../../api/names.ts';
import { kinds, valuesOf, type Json, type Kind } from '../core/conversion/objects.ts';

/** Kinds whose spec anybody may change who may write them. */
export type LeafKind = Exclude<Kind, 'BuildKitWorker'>;

export interface LeafCase {
  readonly kind: LeafKind;
  readonly version: Version;
  readonly name: string;
  readonly path: readonly string[];
  /** The spec with the leaf, with another value of it, and without it. */
  readonly set: Json;
  readonly changed: Json;
  readonly removed: Json;
}

const issuers = ['a', 'b'].map((name) => ({ issuer: `https://${name}.example`, audience: name }));

/** What admission reads beyond the schema. */
const chosen: Readonly<Record<string, readonly [unknown, unknown]>> = {
  buildkitConfig: ['debug = true', 'debug = false'],
  'workers.config': ['debug = true', 'debug = false'],
  'scaling.scaleDownSchedule': ['0 20 * * *', '0 21 * * *'],
  'workers.scaling.schedule': ['0 20 * * *', '0 21 * * *'],
  'cache.gc.schedule': ['0 20 * * *', '0 21 * * *'],
  'access.oidc.inline': [[issuers[0]], issuers],
  'auth.methods': [[{ type: 'mtls' }], [{ type: 'oidc', oidc: issuers[0] }]],
  'v1alpha1.auth.methods': [[{ type: 'mtls' }], [{ type: 'oidc', oidc: issuers[0] }]],
  'tls.enabled': [true, true],
  'v1alpha1.tls.enabled': [true, true],
  'access.workers.namespaces.from': ['All', 'None'],
  'access.clients.namespaces.from': ['All', 'None'],
  'tls.mode': ['auto', 'auto'],
  'certificates.server.mode': ['auto', 'auto'],
  // Beside a selector.
  from: ['Selector', 'Selector'],
  'gateway.gatewayAPI.tls.mode': ['passthrough', 'passthrough'],
  'gateway.exposure.gatewayAPI.tls.mode': ['passthrough', 'passthrough'],
};

interface Shape {
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
}

const unwrap = (schema: z.ZodType): z.ZodType => {
  const { innerType } = schema.def as Shape;
  return innerType === undefined ? schema : unwrap(innerType);
};

const isRequired = (schema: z.ZodType): boolean => schema._zod.optin !== 'optional';

/** Members of a section; undefined of what is a leaf. */
const membersOf = (schema: z.ZodType): [string, z.ZodType][] | undefined => {
  const { shape } = unwrap(schema).def as Shape;
  return shape === undefined || Object.keys(shape).length === 0 ? undefined : Object.entries(shape);
};

/** Admission takes one value alone: the namespace of the object. */
const isOwnNamespace = (path: readonly string[]): boolean => path.join('.') === 'clientSecretRef.namespace';

/** kubectl makes YAML of what it applies, which has no control characters. */
const isPrintable = (value: unknown): boolean => !/\p{Cc}|\\[bfnrtu]/u.test(JSON.stringify(value));

/** The same for every run: the values are of no interest, only that there are two. */
function twoValues(schema: z.ZodType, path: string): readonly [unknown, unknown] {
  const drawn = fc.sample(valuesOf(unwrap(schema)), { numRuns: 100, seed: 1 }).filter(isPrintable);
  const [first] = drawn;
  const other = drawn.find((value) => JSON.stringify(value) !== JSON.stringify(first));
  return chosen[path] ?? [first, other ?? first];
}

const nest = (path: readonly string[], value: unknown): Json =>
  path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Json;

/** What the sections on the way to a leaf need. */
function addRequired(section: Json, schema: z.ZodType, path: readonly string[]): Json {
  const [key = '', ...below] = path;
  const members = membersOf(schema) ?? [];
  const needed = members.filter(([name, member]) => name !== key && isRequired(member));
  const filled = Object.fromEntries(needed.map(([name, member]) => [name, twoValues(member, name)[0]]));
  const member = members.find(([name]) => name === key)?.[1];
  const inner =
    member === undefined || below.length === 0 ? section[key] : addRequired(section[key] as Json, member, below);
  return { ...filled, [key]: inner };
}

/** The spec without the leaf, and without the sections that can't be without it. */
function removeLeaf(schema: z.ZodType, spec: Json, path: readonly string[]): Json {
  const shorter = path.map((_, index) => withoutPath(spec, path.slice(0, path.length - index)));
  const fitting = shorter.find((one) => schema.safeParse(one).success);
  if (fitting === undefined) throw new Error(`${path.join('.')}: expected a leaf that can be removed`);
  return fitting;
}

function withoutPath(value: Json, [key = '', ...below]: readonly string[]): Json {
  const { [key]: member, ...others } = value;
  if (below.length === 0) return others;
  const inner = withoutPath(member as Json, below);
  return Object.keys(inner).length === 0 ? others : { ...others, [key]: inner };
}

function listPaths(schema: z.ZodType, above: readonly string[] = []): { path: readonly string[]; schema: z.ZodType }[] {
  return (membersOf(schema) ?? []).flatMap(([key, member]) => {
    const path = [...above, key];
    return membersOf(member) === undefined ? [{ path, schema: member }] : listPaths(member, path);
  });
}

/** Where the objects of a version of a kind are. */
export const namespaceOf = (kind: LeafKind, version: Version): string => `leaves-${kind.toLowerCase()}-${version}`;

export interface Base {
  readonly kind: LeafKind;
  /** What an object of the kind needs; no case is about it. */
  readonly spec: (name: string) => Json;
}

export function listLeafCases({ kind, spec }: Base, version: Version): LeafCase[] {
  const schema = kinds[kind][version] as z.ZodType;
  const paths = listPaths(schema).filter(({ path: [section = ''] }) => !Object.hasOwn(spec(''), section));
  return paths.map(({ path, schema: leaf }, index): LeafCase => {
    const name = `${version}-${index}`;
    const base = spec(name);
    const [first, second] = isOwnNamespace(path)
      ? [namespaceOf(kind, version), namespaceOf(kind, version)]
      : twoValues(leaf, path.join('.'));
    const make = (value: unknown): Json => ({ ...addRequired(nest(path, value), schema, path), ...base });
    const set = make(first);
    return {
      kind,
      version,
      name,
      path,
      set,
      changed: make(second),
      removed: removeLeaf(schema, set, path),
    };
  });
}

export const manifest = (
  { kind, version, name }: Pick<LeafCase, 'kind' | 'version' | 'name'>,
  namespace: string,
  spec: Json,
): Json => ({
  apiVersion: `${GROUP}/${version}`,
  kind,
  metadata: { name, namespace },
  spec,
});

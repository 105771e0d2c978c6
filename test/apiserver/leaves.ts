/** Every leaf of the specs of our kinds, each with two values, in objects that hold it and what it needs. */
import fc from 'fast-check';
import type * as z from 'zod';
import { GROUP, type Version } from '../../api/names.ts';
import { at } from '../../core/json.ts';
import { kinds, valuesOf, type Json, type Kind } from '../core/conversion/objects.ts';

export interface LeafCase {
  readonly kind: Kind;
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

/** The same for every run: the values are of no interest, only that there are two. */
function twoValues(schema: z.ZodType, path: string): readonly [unknown, unknown] {
  const drawn = fc.sample(valuesOf(unwrap(schema)), { numRuns: 20, seed: 1 });
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

/** The optional field that a leaf goes with: itself, or the section that can't be without it. */
function findRemovable(schema: z.ZodType, path: readonly string[]): readonly string[] {
  let found: readonly string[] = [];
  let current = schema;
  for (const [index, key] of path.entries()) {
    const member = membersOf(current)?.find(([name]) => name === key)?.[1];
    if (member === undefined) break;
    if (!isRequired(member)) found = path.slice(0, index + 1);
    current = member;
  }
  return found;
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

export interface Base {
  readonly kind: Kind;
  /** What an object of the kind needs; no case is about it. */
  readonly spec: (name: string) => Json;
}

export function listLeafCases({ kind, spec }: Base, version: Version): LeafCase[] {
  const schema = kinds[kind][version] as z.ZodType;
  const cases = listPaths(schema).map(({ path, schema: leaf }, index): LeafCase => {
    const name = `${version}-${index}`;
    const base = spec(name);
    const [first, second] = twoValues(leaf, path.join('.'));
    const make = (value: unknown): Json => ({ ...base, ...addRequired(nest(path, value), schema, path) });
    const set = make(first);
    return {
      kind,
      version,
      name,
      path,
      set,
      changed: make(second),
      removed: { ...base, ...withoutPath(set, findRemovable(schema, path)) },
    };
  });
  return cases.filter(({ name, path }) => at(spec(name), path.slice(0, 1)) === undefined);
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

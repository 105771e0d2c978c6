/**
 * Who owns what, when managers write one object in both versions: every leaf of the specs of pools and OIDC configs, on
 * a real apiserver. Nobody but our own parts may change the spec of a worker: reference and stamp stay, leases are
 * given by `allocation` alone.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { GROUP, KINDS, type Version } from '../../api/names.ts';
import { sharedMeanings } from '../../api/field-mapping.ts';
import { convertObject } from '../../core/conversion/convert.ts';
import { at } from '../../core/json.ts';
import { listLeaves, otherVersion, versions, type Json } from '../core/conversion/objects.ts';
import { kubectl, makeNamespace, run } from './cluster.ts';
import { listLeafCases, manifest, namespaceOf, type Base, type LeafCase, type LeafKind } from './leaves.ts';

interface Stored {
  readonly metadata: {
    readonly name: string;
    readonly generation: number;
    readonly managedFields: readonly {
      readonly manager: string;
      readonly apiVersion: string;
      readonly fieldsV1: Json;
    }[];
  };
  readonly spec: Json;
}

const plurals: Readonly<Record<LeafKind, string>> = {
  BuildKitPool: KINDS.pool.plural,
  BuildKitOIDCConfig: KINDS.oidcConfig.plural,
};

const bases: readonly Base[] = [
  { kind: 'BuildKitPool', spec: () => ({}) },
  { kind: 'BuildKitOIDCConfig', spec: (name) => ({ issuer: `https://${name}.example`, audience: 'a' }) },
];

/** What another manager writes in the other version: no leaf of these is a case beside it. */
const elsewhere: Readonly<Record<LeafKind, (leaf: LeafCase) => Json>> = {
  BuildKitPool: ({ path }) =>
    path.includes('observability')
      ? { cache: { gc: { enabled: true } } }
      : { observability: { metrics: { enabled: true } } },
  BuildKitOIDCConfig: ({ path }) => (path.includes('enabled') ? { clientID: 'c' } : { enabled: true }),
};

/** One process for all: kubectl takes a list. */
const apply = async (objects: readonly Json[], ...flags: readonly string[]): Promise<void> => {
  const { status, stderr } = await kubectl(
    ['apply', ...flags, '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  );
  expect({
    status,
    stderr: stderr
      .split('\n')
      .filter((line) => !line.startsWith('Warning: '))
      .join('\n'),
  }).toEqual({ status: 0, stderr: '' });
};
const serverSide = (manager: string) => ['--server-side', `--field-manager=${manager}`];

async function readAll(namespace: string, kind: LeafKind, version: Version): Promise<ReadonlyMap<string, Stored>> {
  const text = await run([
    'get',
    `${plurals[kind]}.${version}.${GROUP}`,
    '-n',
    namespace,
    '-o',
    'json',
    '--show-managed-fields',
  ]);
  return new Map((JSON.parse(text) as { items: Stored[] }).items.map((item) => [item.metadata.name, item]));
}

/** The spec as the other version says it. */
function inOther(leaf: LeafCase, spec: Json): Json {
  const converted = convertObject(manifest(leaf, 'n', spec), otherVersion(leaf.version));
  if (!converted.ok) throw new Error(converted.error);
  return JSON.parse(JSON.stringify((converted.value as Stored).spec)) as Json;
}

const leavesOf = (...specs: readonly Json[]) =>
  new Map(specs.flatMap((spec) => [...listLeaves(spec)]).filter(([path]) => path !== '[]'));

interface Step {
  readonly namespace: string;
  readonly leaves: readonly LeafCase[];
  readonly pick: (leaf: LeafCase) => Json;
}

/** Both versions hold what the two managers say, and nothing else. */
async function expectStored({ namespace, leaves, pick }: Step): Promise<void> {
  const [{ kind, version } = { kind: 'BuildKitPool', version: 'v1beta1' } as const] = leaves;
  const [own, other] = await Promise.all([
    readAll(namespace, kind, version),
    readAll(namespace, kind, otherVersion(version)),
  ]);
  for (const leaf of leaves) {
    const mine = pick(leaf);
    const theirs = elsewhere[kind](leaf);
    const name = `${leaf.version} ${leaf.path.join('.')}`;
    expect([name, leavesOf(own.get(leaf.name)?.spec ?? {})]).toEqual([name, leavesOf(mine, theirs)]);
    expect([name, leavesOf(other.get(leaf.name)?.spec ?? {})]).toEqual([name, leavesOf(inOther(leaf, mine), theirs)]);
  }
}

const owns = (fields: Json, path: readonly string[]): boolean =>
  at(fields, ['f:spec', ...path.map((key) => `f:${key}`)]) !== undefined;

const seed = Number(process.env['SEED'] ?? 1);
/** In a soak all, else as many as a minute has time for; SEED repeats the choice. */
function choose(leaves: readonly LeafCase[]): readonly LeafCase[] {
  if (process.env['SOAK'] === '1') return leaves;
  const length = Math.min(leaves.length, 12);
  const bounds = { minLength: length, maxLength: length };
  const [chosen = []] = fc.sample(fc.shuffledSubarray([...leaves], bounds), { numRuns: 1, seed });
  return chosen;
}
const cases = bases.flatMap((base) =>
  versions.map((version) => ({ kind: base.kind, version, leaves: choose(listLeafCases(base, version)) })),
);

/** Again where a controller wrote between the read and the write of kubectl. */
async function replace(items: readonly object[], retries = 9): Promise<void> {
  try {
    await run(['replace', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  } catch (error) {
    if (retries === 0 || !String(error).includes('(Conflict)')) throw error;
    await replace(items, retries - 1);
  }
}

describe.each(cases)('every leaf of a $version $kind', ({ kind, version, leaves }) => {
  const namespace = namespaceOf(kind, version);
  beforeAll(async () => {
    await run(['create', 'namespace', namespace]);
  });
  const objects = (pick: (leaf: LeafCase) => Json) => leaves.map((leaf) => manifest(leaf, namespace, pick(leaf)));
  const others = () =>
    leaves.map((leaf) =>
      manifest({ ...leaf, version: otherVersion(version) }, namespace, {
        ...(kind === 'BuildKitOIDCConfig' ? { issuer: leaf.set['issuer'], audience: leaf.set['audience'] } : {}),
        ...elsewhere[kind](leaf),
      }),
    );

  it('is set, changed and removed by server-side apply while another manager writes in the other version', async () => {
    await apply(
      objects(({ set }) => set),
      ...serverSide('one'),
    );
    await apply(others(), ...serverSide('two'));
    await expectStored({ namespace, leaves, pick: ({ set }) => set });
    await apply(
      objects(({ changed }) => changed),
      ...serverSide('one'),
    );
    await expectStored({ namespace, leaves, pick: ({ changed }) => changed });
    const before = await readAll(namespace, kind, version);
    for (const { name, path } of leaves) {
      const fields = before.get(name)?.metadata.managedFields.find(({ manager }) => manager === 'one');
      expect([path, fields?.apiVersion, owns(fields?.fieldsV1 ?? {}, path)]).toEqual([
        path,
        `${GROUP}/${version}`,
        true,
      ]);
    }
    await apply(
      objects(({ removed }) => removed),
      ...serverSide('one'),
    );
    await expectStored({ namespace, leaves, pick: ({ removed }) => removed });
    const after = await readAll(namespace, kind, version);
    for (const { name, path } of leaves) {
      const { generation = 0, managedFields = [] } = after.get(name)?.metadata ?? {};
      expect([path, managedFields.filter(({ fieldsV1 }) => owns(fieldsV1, path))]).toEqual([path, []]);
      expect([path, generation > (before.get(name)?.metadata.generation ?? 0)]).toEqual([path, true]);
    }
  });

  it('is set, changed and removed by client-side apply and by replace, in this version alone', async () => {
    await run(['delete', plurals[kind], '--all', '-n', namespace]);
    for (const write of ['apply', 'replace'] as const) {
      for (const pick of [
        ({ set }: LeafCase) => set,
        ({ changed }: LeafCase) => changed,
        ({ removed }: LeafCase) => removed,
      ]) {
        if (write === 'apply') await apply(objects(pick));
        else await replace(objects(pick));
        const stored = await readAll(namespace, kind, version);
        for (const leaf of leaves) {
          expect([leaf.path, leavesOf(stored.get(leaf.name)?.spec ?? {})]).toEqual([leaf.path, leavesOf(pick(leaf))]);
        }
      }
    }
  });
});

const issuer = { issuer: 'https://a.example', audience: 'a' };
/** A value for the word of v1alpha1, and one for the leaf of v1beta1. */
const values: Readonly<Record<string, readonly [unknown, unknown]>> = {
  'networking.serviceType': ['NodePort', 'LoadBalancer'],
  'networking.port': [1, 2],
  'resources.sidecar.limits': [{ cpu: 1 }, { cpu: 2 }],
  'resources.sidecar.requests': [{ cpu: 1 }, { cpu: 2 }],
  'auth.rbac.rules': [[{ users: ['a'] }], [{ users: ['b'] }]],
  'auth.methods': [[{ type: 'oidc', oidc: issuer }], [{ ...issuer, audience: 'b' }]],
};

const nest = (path: string, value: unknown): Json =>
  path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Json;

describe('places that share a meaning', () => {
  const both = sharedMeanings.map(({ word, leaf }, index) => {
    const [old, now] = values[word] ?? [];
    const beta = { word: nest(`v1alpha1.${word}`, old), leaf: nest(leaf, now) };
    return { name: `both-${index}`, word, beta };
  });
  const inVersion = (version: Version, name: string, namespace: string, spec: Json): Json => {
    const converted = convertObject(
      manifest({ kind: 'BuildKitPool', version: 'v1beta1', name }, namespace, spec),
      version,
    );
    if (!converted.ok) throw new Error(converted.error);
    return converted.value as Json;
  };

  it.each(
    versions.flatMap((version) =>
      (['word', 'leaf'] as const).map((gone) => ({
        version,
        gone,
        stays: gone === 'word' ? ('leaf' as const) : ('word' as const),
      })),
    ),
  )('can be removed one by one, in $version: the $gone', async ({ version, gone, stays }) => {
    const namespace = await makeNamespace('shared');
    const make = (pick: (one: (typeof both)[number]) => Json) =>
      both.map((one) => inVersion(version, one.name, namespace, pick(one)));
    await apply(
      make(({ beta }) => ({ ...beta.word, ...beta.leaf })),
      ...serverSide('one'),
    );
    await apply(
      both.map(({ name }) =>
        inVersion(otherVersion(version), name, namespace, { observability: { metrics: { enabled: true } } }),
      ),
      ...serverSide('two'),
    );
    await apply(
      make(({ beta }) => beta[stays]),
      ...serverSide('one'),
    );
    const stored = await readAll(namespace, 'BuildKitPool', 'v1beta1');
    for (const { name, word, beta } of both) {
      expect([word, gone, stored.get(name)?.spec]).toEqual([
        word,
        gone,
        { ...beta[stays], observability: { metrics: { enabled: true } } },
      ]);
    }
  });
});

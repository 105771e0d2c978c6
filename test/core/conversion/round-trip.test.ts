import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GROUP, type Version } from '../../../api/names.ts';
import { convertObject } from '../../../core/conversion/convert.ts';
import { parseJson } from '../../../core/json-text.ts';
import {
  anyContent,
  everyVersion,
  kinds,
  listLeaves,
  objectsOf,
  otherVersion,
  runs,
  versions,
  without,
  withoutIdleSections,
  type Json,
  type Kind,
} from './objects.ts';

function convert(object: Json, to: Version): Json {
  const converted = convertObject(object, to);
  if (!converted.ok) throw new Error(converted.error);
  // As it crosses the wire.
  return parseJson(JSON.stringify(converted.value)) as Json;
}

/** Members in any order. The plain comparison takes a tenth of the time of `toEqual`, which then says what differs. */
function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toStrictEqual(expected);
}

function expectValid({ kind, apiVersion, spec }: Json): void {
  const version = versions.find((one) => apiVersion === `${GROUP}/${one}`) ?? 'v1beta1';
  const { error } = kinds[kind as Kind][version].safeParse(spec);
  if (error !== undefined) expect(error.issues).toEqual([]);
}

const keepApart = ({ spec, ...others }: Json): Json => ({ ...others, hasSpec: spec !== undefined });

/** The one leaf that a leaf of this value is in the other version. */
function findPartner(
  kind: Kind,
  version: Version,
  [path, value]: readonly [string, unknown],
): readonly [string, unknown] {
  const spec = (JSON.parse(path) as string[]).reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  const [partner, ...others] = listLeaves(
    convert({ apiVersion: `${GROUP}/${version}`, kind, spec }, otherVersion(version))['spec'],
  );
  if (partner === undefined || others.length > 0) throw new Error(`${path}: expected one partner`);
  return partner;
}

describe.each(everyVersion)('$kind $version', ({ kind, version }) => {
  const other = otherVersion(version);
  const there = (object: Json) => convert(object, other);
  const back = (object: Json) => convert(object, version);

  it('comes back as it was', () => {
    fc.assert(
      fc.property(objectsOf(kind, version), (drawn) => {
        const object = withoutIdleSections(drawn, there);
        expectSame(back(there(object)), object);
      }),
      runs,
    );
  });

  it('comes back as it was, of whatever shape its content is', () => {
    fc.assert(
      fc.property(objectsOf(kind, version, { isOdd: true }), (object) => {
        const once = back(there(object));
        expectSame(back(there(once)), once);
      }),
      runs,
    );
  });

  it('loses nothing but empty sections that are filled, and leaves the metadata alone', () => {
    fc.assert(
      fc.property(objectsOf(kind, version), (object) => {
        const returned = back(there(object));
        const left = listLeaves(returned['spec']);
        for (const [path, value] of listLeaves(object['spec'])) {
          if (!isDeepStrictEqual(value, {})) expectSame(left.get(path), value);
        }
        expectSame(there(object)['metadata'], object['metadata']);
      }),
      runs,
    );
  });

  it('has one leaf of its own in the other version for each of its leaves, whatever stands beside it', () => {
    fc.assert(
      fc.property(objectsOf(kind, version), (drawn) => {
        const { spec, ...others } = withoutIdleSections(drawn, there);
        const partners = [...listLeaves(spec)].map((leaf) => findPartner(kind, version, leaf));
        if (!isDeepStrictEqual(spec, {})) expectSame(listLeaves(there({ ...others, spec })['spec']), new Map(partners));
      }),
      runs,
    );
  });

  it('loses the same leaf in both versions when one is removed', () => {
    fc.assert(
      fc.property(objectsOf(kind, version), fc.nat(), (drawn, seed) => {
        const object = withoutIdleSections(drawn, there);
        const leaves = [...listLeaves(object['spec'])];
        const leaf = leaves[seed % leaves.length];
        if (leaf === undefined || leaf[0] === '[]') return;
        const path = JSON.parse(leaf[0]) as string[];
        const removed = listLeaves(there(without(object, ['spec', ...path]))['spec']);
        expect(removed.has(findPartner(kind, version, leaf)[0])).toBe(false);
      }),
      runs,
    );
  });

  it('is as valid as it was', () => {
    fc.assert(
      fc.property(objectsOf(kind, version), (object) => {
        expectValid(object);
        expectValid(there(object));
      }),
      runs,
    );
  });

  it('keeps status and metadata, and is not changed itself', () => {
    fc.assert(
      fc.property(objectsOf(kind, version, { isOdd: true }), (object) => {
        const before = structuredClone(object);
        const converted = there(object);
        expectSame(object, before);
        expectSame(keepApart(converted), { ...keepApart(object), apiVersion: `${GROUP}/${other}` });
      }),
      runs,
    );
  });

  it('is converted whatever it holds', () => {
    fc.assert(
      fc.property(anyContent, (content) => {
        const object = { apiVersion: `${GROUP}/${version}`, kind, ...content };
        expect(convert(object, other)['apiVersion']).toBe(`${GROUP}/${other}`);
      }),
      runs,
    );
  });
});

import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CARRIED_ANNOTATION, GROUP, type Version } from '../../../api/names.ts';
import { convertObject } from '../../../core/conversion/convert.ts';
import { parseJson } from '../../../core/json-text.ts';
import { at } from '../../../core/json.ts';
import {
  anyAnnotation,
  anyContent,
  everyVersion,
  kinds,
  objectsOf,
  otherVersion,
  runs,
  versions,
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

const withAnnotation = (object: Json, text: string): Json => {
  const metadata = object['metadata'] as { annotations?: Json };
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, [CARRIED_ANNOTATION]: text } } };
};

/** All but what conversion may change. */
const keepApart = ({ spec, metadata, ...others }: Json): Json => ({
  ...others,
  hasSpec: spec !== undefined,
  metadata: { ...(metadata as Json), annotations: undefined },
});

/** What the other version does not show. */
const hidden: Readonly<Partial<Record<Kind, Readonly<Record<Version, readonly string[]>>>>> = {
  BuildKitPool: {
    v1alpha1: ['tls.enabled', 'auth.rbac.enabled'],
    v1beta1: ['workers.template', 'workers.isolation', 'workers.sharing', 'workers.egress'],
  },
};

describe.each(everyVersion)('$kind $version', ({ kind, version }) => {
  const other = otherVersion(version);
  const there = (object: Json) => convert(object, other);
  const back = (object: Json) => convert(object, version);

  it('comes back as it was', () => {
    fc.assert(
      fc.property(objectsOf(kind, version), (object) => {
        expectSame(back(there(object)), object);
      }),
      runs,
    );
  });

  it('comes back as it was, of whatever shape its content is', () => {
    fc.assert(
      fc.property(objectsOf(kind, version, { isOdd: true }), (object) => {
        expectSame(back(there(object)), object);
      }),
      runs,
    );
  });

  it('says the same after the round trip, whatever stood in the annotation', () => {
    fc.assert(
      fc.property(objectsOf(kind, version), anyAnnotation(kind), (object, text) => {
        const returned = back(there(withAnnotation(object, text)));
        expectSame(returned['spec'], object['spec']);
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

  it('is edited by who reads it in the other version, and keeps what that version does not show', () => {
    fc.assert(
      fc.property(objectsOf(kind, version), objectsOf(kind, other), (stored, edit) => {
        const edited = { ...there(stored), spec: edit['spec'] };
        const written = back(edited);
        // All that was written is read again.
        expectSame(there(written)['spec'], edit['spec']);
        for (const path of hidden[kind]?.[version] ?? []) {
          const steps = ['spec', ...path.split('.')];
          expectSame(at(written, steps), at(stored, steps));
        }
        expectValid(written);
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

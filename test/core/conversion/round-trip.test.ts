import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CARRIED_ANNOTATION, GROUP, type Version } from '../../../api/names.ts';
import { convertObject } from '../../../core/conversion/convert.ts';
import { anyAnnotation, canonical, everyVersion, kinds, objectsOf, otherVersion, runs, type Json } from './objects.ts';

function convert(object: Json, to: Version): Json {
  const converted = convertObject(object, to);
  if (!converted.ok) throw new Error(converted.error);
  // As it crosses the wire.
  return JSON.parse(JSON.stringify(converted.value)) as Json;
}

const withAnnotation = (object: Json, text: string): Json => {
  const metadata = object['metadata'] as { annotations?: Json };
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, [CARRIED_ANNOTATION]: text } } };
};

const dropAnnotations = (metadata: unknown): unknown => ({ ...(metadata as Json), annotations: undefined });

describe.each(everyVersion)('$kind $version', ({ kind, version }) => {
  const other = otherVersion(version);
  const there = (object: Json) => convert(object, other);
  const back = (object: Json) => convert(object, version);

  it('comes back as it was', () => {
    fc.assert(
      fc.property(objectsOf(kind, version), (object) => {
        expect(canonical(back(there(object)))).toBe(canonical(object));
      }),
      runs,
    );
  });

  it('comes back as it was, of whatever shape its content is', () => {
    fc.assert(
      fc.property(objectsOf(kind, version, { isOdd: true }), (object) => {
        expect(canonical(back(there(object)))).toBe(canonical(object));
      }),
      runs,
    );
  });

  it('says the same after the round trip, whatever stood in the annotation', () => {
    fc.assert(
      fc.property(objectsOf(kind, version), anyAnnotation(kind), (object, text) => {
        const returned = back(there(withAnnotation(object, text)));
        expect(canonical(returned['spec'])).toBe(canonical(object['spec']));
      }),
      runs,
    );
  });

  it('is as valid as it was', () => {
    fc.assert(
      fc.property(objectsOf(kind, version), (object) => {
        expect(kinds[kind][other].safeParse(there(object)['spec']).error).toBeUndefined();
      }),
      runs,
    );
  });

  it('keeps status and metadata, and is not changed itself', () => {
    fc.assert(
      fc.property(objectsOf(kind, version, { isOdd: true }), (object) => {
        const before = canonical(object);
        const converted = there(object);
        expect(canonical(object)).toBe(before);
        expect(converted['apiVersion']).toBe(`${GROUP}/${other}`);
        expect(canonical(converted['status'] ?? null)).toBe(canonical(object['status'] ?? null));
        expect(canonical(dropAnnotations(converted['metadata']))).toBe(canonical(dropAnnotations(object['metadata'])));
        expect(Object.keys(converted).toSorted()).toEqual(Object.keys(object).toSorted());
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
        expect(canonical(there(written)['spec'])).toBe(canonical(edit['spec']));
      }),
      runs,
    );
  });

  it('is converted whatever it holds', () => {
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom('annotations', 'labels', 'x'), fc.jsonValue()),
    );
    fc.assert(
      fc.property(fc.record({ metadata: anything, spec: anything, status: anything }), (content) => {
        const object = { apiVersion: `${GROUP}/${version}`, kind, ...content };
        expect(convertObject(object, other)).toMatchObject({ ok: true });
      }),
      runs,
    );
  });
});

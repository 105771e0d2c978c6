import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { convertObject, parseVersion } from '../../../core/conversion/convert.ts';
import { readPool } from '../../../core/pool/read.ts';
import type { Json } from './objects.ts';

const folder = join(import.meta.dirname, '../../../manifests/examples');
const read = (file: string): Json[] =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS() as Json);

/** By what it means: the page for one version need not name the places of the other. */
const inBeta = (object: Json): unknown => {
  if (parseVersion(object['apiVersion']) === undefined) return object;
  // As the schema defaults it.
  const converted = convertObject({ ...object, spec: object['spec'] ?? {} }, 'v1beta1');
  if (!converted.ok) throw new Error(converted.error);
  const { name, namespace } = (converted.value as { metadata: { name: string; namespace: string } }).metadata;
  return { ...(converted.value as Json), metadata: { name, namespace }, spec: readPool(converted.value).spec };
};

describe('every example', () => {
  it.each(readdirSync(join(folder, 'v1alpha1')))('%s says the same in both versions', (file) => {
    expect(read(join('v1alpha1', file)).map(inBeta)).toEqual(read(file).map(inBeta));
  });

  it('of our kinds stands in both versions', () => {
    const ours = readdirSync(folder).filter(
      (file) => file.endsWith('.yaml') && read(file).some((object) => parseVersion(object['apiVersion']) !== undefined),
    );
    expect(readdirSync(join(folder, 'v1alpha1')).toSorted()).toEqual(ours.toSorted());
  });
});

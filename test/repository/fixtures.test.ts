import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeCrds } from '../../api/crd.ts';
import type { JsonSchema } from '../../api/structural.ts';

const folder = join(import.meta.dirname, '../fixtures/invalid');
/** Workers and clients are admitted by one schema: a rule of either is a rule of both. */
const unify = (text: string): string => text.replaceAll('access.clients.namespaces', 'access.workers.namespaces');

const messages = readdirSync(folder)
  .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
  .filter((line) => line.startsWith('# '))
  .join('\n');

/** Stamped by admission, whatever a manifest says. */
const unreachable = 'spec.requester';

/** Paths of the fields that a rule speaks of: an enum, a bound of a number, a required member, a rule in CEL. */
function findRuledPaths(schema: JsonSchema, path: string): string[] {
  if (path === unreachable) return [];
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>);
  const hasRule = ['enum', 'minimum', 'x-kubernetes-validations'].some((word) => schema[word] !== undefined);
  return [
    ...(hasRule && path !== 'spec' ? [path] : []),
    ...((schema['required'] ?? []) as string[]).map((name) => `${path}.${name}`),
    ...properties.flatMap(([name, member]) => findRuledPaths(member, `${path}.${name}`)),
    ...(schema['items'] === undefined ? [] : findRuledPaths(schema['items'] as JsonSchema, `${path}[0]`)),
  ];
}

interface Crd {
  readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: JsonSchema } }[] };
}

const paths = Object.values(makeCrds())
  .flatMap((crd) => (crd as unknown as Crd).spec.versions)
  .flatMap(({ schema }) => {
    const properties = schema.openAPIV3Schema['properties'] as Record<string, JsonSchema>;
    return findRuledPaths(properties['spec'] ?? {}, 'spec');
  });

describe('every rule of the schemas has a manifest that breaks it', () => {
  it.each([...new Set(paths.map(unify))].toSorted())('%s', (path) => {
    expect(unify(messages)).toContain(`${path}: `);
  });
});

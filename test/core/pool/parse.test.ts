import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poolSpec } from '../../../api/v1beta1/pool.ts';
import { isSameJson, type JsonObject } from '../../../core/json.ts';
import { formatField, parseSpec } from '../../../core/pool/parse.ts';

const paths = (spec: JsonObject, oldSpec?: JsonObject): readonly string[] => {
  const parsed = parseSpec(spec, oldSpec);
  return parsed.ok ? [] : parsed.error.map(({ path }) => formatField(path));
};

const badTime = { revokedBefore: '2020-01-01t00:00:00z' };
const issuer = { issuer: 'https://a.example', audience: 'a' };

describe('the spec of a pool that is written', () => {
  it('is refused with every field that breaks the schema', () => {
    expect(paths({ workers: { image: 7, isolation: 'Root' } })).toEqual(['workers.image', 'workers.isolation']);
  });

  it('may keep a field that broke the schema before, while others change', () => {
    const old = { workers: { image: 7, scaling: { max: 1 } }, access: badTime };
    expect(parseSpec({ ...old, workers: { image: 7, scaling: { max: 2 } } }, old)).toEqual({
      ok: true,
      value: { workers: { scaling: { max: 2 } }, access: {} },
    });
  });

  it.each([
    [
      'a list of which another item changed',
      { access: { oidc: { inline: [{ issuer: 7 }, issuer] } } },
      { access: { oidc: { inline: [{ issuer: 7 }] } } },
      'access.oidc.inline[0].issuer',
    ],
    [
      'a section of which another member changed',
      { workers: { storage: { storageClassName: 'b' } } },
      { workers: { storage: { storageClassName: 'a' } } },
      'workers.storage.size',
    ],
    [
      'a rule between fields of which one changed',
      { workers: { scaling: { min: 3, max: 1 } } },
      { workers: { scaling: { min: 2, max: 1 } } },
      'workers.scaling',
    ],
    ['a whole that is no object', { workers: 7 }, { workers: 8 }, 'workers'],
  ])('is refused for %s', (_name, spec, oldSpec, field) => {
    expect(paths(spec, oldSpec)).toContain(field);
  });

  it('never leaves out what changed', () => {
    const value = fc.oneof(fc.constantFrom(7, 'a', { from: 'All' }, [issuer], [7], badTime), fc.jsonValue());
    const section = fc.dictionary(fc.constantFrom('image', 'storage', 'namespaces', 'inline', 'size', 'x'), value, {
      maxKeys: 3,
    });
    const spec = fc.dictionary(fc.constantFrom('workers', 'access', 'gateway', 'v1alpha1'), fc.oneof(section, value), {
      maxKeys: 3,
    });
    fc.assert(
      fc.property(spec, spec, (now, before) => {
        const parsed = parseSpec(now, before);
        if (!parsed.ok) return;
        for (const [key, one] of Object.entries(now)) {
          if (!isSameJson(one, before[key]) && poolSpec.safeParse({ [key]: one }).success) {
            expect(parsed.value).toHaveProperty(key);
          }
        }
      }),
    );
  });
});

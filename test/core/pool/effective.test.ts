import { describe, expect, it } from 'vitest';
import { sharedMeanings } from '../../../api/field-mapping.ts';
import { poolSpec } from '../../../api/v1beta1/pool.ts';
import { at } from '../../../core/json.ts';
import { effective } from '../../../core/pool/effective.ts';

const make = (path: string, value: unknown): object =>
  path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;

/** A value of its type for each word, and another one for the leaf that means the same. */
const values: Readonly<Record<string, readonly [unknown, unknown]>> = {
  'networking.serviceType': ['NodePort', 'LoadBalancer'],
  'networking.port': [1, 2],
  'resources.sidecar.limits': [{ cpu: 1, memory: 2 }, { cpu: 3 }],
  'resources.sidecar.requests': [{ cpu: 1, memory: 2 }, { cpu: 3 }],
  'auth.rbac.rules': [[{ users: ['a'] }], [{ users: ['b'] }]],
  'auth.methods': [
    [{ type: 'mtls' }, { type: 'oidc', oidc: { issuer: 'https://a.example', audience: 'a' } }],
    [{ issuer: 'https://b.example', audience: 'b' }],
  ],
};

/** What both say together. */
const together: Readonly<Record<string, unknown>> = {
  'resources.sidecar.limits': { cpu: 3, memory: 2 },
  'resources.sidecar.requests': { cpu: 3, memory: 2 },
  'auth.methods': [
    { issuer: 'https://a.example', audience: 'a' },
    { issuer: 'https://b.example', audience: 'b' },
  ],
};

const readAt = (spec: object, path: string): unknown => at(spec, path.split('.'));

describe.each(sharedMeanings)('$word of v1alpha1', ({ word, leaf }) => {
  const [old, now] = values[word] ?? [];
  const alone = word === 'auth.methods' ? [{ issuer: 'https://a.example', audience: 'a' }] : old;

  it(`means ${leaf} where that is absent`, () => {
    const spec = effective(poolSpec.parse({ v1alpha1: make(word, old) }));
    expect(spec).toEqual(make(leaf, alone));
  });

  it(`stands beside ${leaf} as documented`, () => {
    const spec = effective(poolSpec.parse({ v1alpha1: make(word, old), ...make(leaf, now) }));
    expect(readAt(spec, leaf)).toEqual(together[word] ?? now);
  });
});

describe('a pool', () => {
  it.each([
    {},
    { gateway: { service: { port: 1 }, exposure: {} }, access: {} },
    { v1alpha1: {} },
    { v1alpha1: { tls: { enabled: true, auto: {} }, networking: { external: {} }, auth: { rbac: {}, methods: [] } } },
  ])('that says nothing by old words stays as it is: %j', (stored) => {
    const spec = poolSpec.parse(stored);
    expect(effective(spec)).toEqual({ ...spec, v1alpha1: undefined });
  });

  it('keeps what stands beside a place that an old word fills', () => {
    expect(
      effective({
        gateway: { replicas: 2, service: { nodePort: 30_000 } },
        access: { clients: { namespaces: { from: 'All' } }, oidc: { configRefs: [{ name: 'a' }] } },
        v1alpha1: {
          networking: { port: 7 },
          auth: {
            rbac: { rules: [{ users: ['a'] }] },
            methods: [{ type: 'oidc', oidc: { issuer: 'https://a.example', audience: 'a' } }],
          },
        },
      }),
    ).toEqual({
      gateway: { replicas: 2, service: { nodePort: 30_000, port: 7 } },
      access: {
        clients: { namespaces: { from: 'All' }, rules: [{ users: ['a'] }] },
        oidc: { configRefs: [{ name: 'a' }], inline: [{ issuer: 'https://a.example', audience: 'a' }] },
      },
    });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolvePools } from '../../../core/certificates/resolve.ts';

describe('names of pools', () => {
  it('merge when they mean one pool, and are all kept', () => {
    expect(resolvePools(['p', 'tenant-a/p', 'tenant-b/p', 'p'], 'tenant-a')).toEqual({
      ok: true,
      value: [
        { key: { namespace: 'tenant-a', name: 'p' }, names: ['p', 'tenant-a/p'] },
        { key: { namespace: 'tenant-b', name: 'p' }, names: ['tenant-b/p'] },
      ],
    });
  });

  it('need a namespace where the caller has none', () => {
    expect(resolvePools(['tenant-b/p', 'p'], undefined)).toEqual({
      ok: false,
      error: [
        {
          field: 'pools[1]',
          expected: '<namespace>/<pool>, since no namespace follows from the token',
          got: '"p"',
        },
      ],
    });
  });

  it('give each pool once and lose no name', () => {
    const label = fc.constantFrom('a', 'b', 'c');
    const name = fc.oneof(
      label,
      fc.tuple(label, label).map((parts) => parts.join('/')),
    );
    fc.assert(
      fc.property(fc.array(name), (names) => {
        const resolved = resolvePools(names, 'a');
        const pools = resolved.ok ? resolved.value : [];
        const keys = pools.map(({ key }) => `${key.namespace}/${key.name}`);
        expect(new Set(keys).size).toBe(keys.length);
        expect(new Set(pools.flatMap((pool) => pool.names))).toEqual(new Set(names));
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { createNamespacedCache } from '../../../adapters/oidc/namespaced-cache.ts';

const fill = (namespaces: number, each: number) => {
  const cache = createNamespacedCache<number>();
  for (let index = 0; index < namespaces * each; index += 1) {
    cache.put({ namespace: `n${index % namespaces}`, id: `${index}` }, index);
  }
  return cache;
};

describe('what is remembered', () => {
  it('is the last value of each key, the oldest first', () => {
    const cache = createNamespacedCache<string>();
    for (const id of ['a', 'b', 'a']) cache.put({ namespace: 'n', id }, id);
    cache.put({ namespace: 'other', id: 'a' }, 'of another');
    expect(cache.list('n')).toEqual(['b', 'a']);
    expect(cache.get({ namespace: 'n', id: 'a' })).toBe('a');
    expect(cache.get({ namespace: 'n', id: 'c' })).toBeUndefined();
    expect(cache.list('nobody')).toEqual([]);
  });

  it('is limited to 64 per namespace, which evicts the oldest', () => {
    expect(fill(1, 100).list('n0')).toEqual(Array.from({ length: 64 }, (_, index) => 36 + index));
  });

  it('is limited to 1,024 in all, which evicts the oldest of the largest namespace', () => {
    const cache = fill(16, 64);
    cache.put({ namespace: 'small', id: 'a' }, -1);
    expect(cache.list('n0')).toHaveLength(63);
    expect(cache.get({ namespace: 'n0', id: '0' })).toBeUndefined();
    cache.put({ namespace: 'small', id: 'b' }, -2);
    expect(cache.list('n1')).toHaveLength(63);
    expect(cache.list('small')).toEqual([-1, -2]);
    // A key that is put again evicts no other.
    cache.put({ namespace: 'small', id: 'a' }, -3);
    expect([...cache.list('small'), cache.list('n2').length]).toEqual([-2, -3, 64]);
  });
});

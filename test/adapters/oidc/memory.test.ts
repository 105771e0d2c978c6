import { describe, expect, it } from 'vitest';
import { createMemory } from '../../../adapters/oidc/memory.ts';

const fill = (namespaces: number, each: number) => {
  const memory = createMemory<number>();
  for (let index = 0; index < namespaces * each; index += 1) {
    memory.put({ namespace: `n${index % namespaces}`, id: `${index}` }, index);
  }
  return memory;
};

describe('what is remembered', () => {
  it('is what was put last, and then the youngest of its namespace', () => {
    const memory = createMemory<string>();
    for (const id of ['a', 'b', 'a']) memory.put({ namespace: 'n', id }, id);
    memory.put({ namespace: 'other', id: 'a' }, 'of another');
    expect(memory.list('n')).toEqual(['b', 'a']);
    expect(memory.get({ namespace: 'n', id: 'a' })).toBe('a');
    expect(memory.get({ namespace: 'n', id: 'c' })).toBeUndefined();
    expect(memory.list('nobody')).toEqual([]);
  });

  it('is 64 for a namespace, the youngest', () => {
    expect(fill(1, 100).list('n0')).toEqual(Array.from({ length: 64 }, (_, index) => 36 + index));
  });

  it('is 1,024 in all: who has most loses its oldest', () => {
    const memory = fill(16, 64);
    memory.put({ namespace: 'small', id: 'a' }, -1);
    expect(memory.list('n0')).toHaveLength(63);
    expect(memory.get({ namespace: 'n0', id: '0' })).toBeUndefined();
    memory.put({ namespace: 'small', id: 'b' }, -2);
    expect(memory.list('n1')).toHaveLength(63);
    expect(memory.list('small')).toEqual([-1, -2]);
    // What is put again takes no room of others.
    memory.put({ namespace: 'small', id: 'a' }, -3);
    expect([...memory.list('small'), memory.list('n2').length]).toEqual([-2, -3, 64]);
  });
});

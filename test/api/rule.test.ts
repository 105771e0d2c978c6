import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { immutable, neverAddedNorRemoved, withRules } from '../../api/rule.ts';
import { makeStructuralSchema } from '../../api/structural.ts';

const positive = { cel: 'self > 0', message: 'expected a positive number', holds: (value: number) => value > 0 };

describe('withRules', () => {
  it('checks a rule about a value in zod, with its message', () => {
    const { error } = withRules(z.int(), positive).safeParse(0);
    expect(error?.issues.map(({ message }) => message)).toEqual(['expected a positive number']);
  });

  it('leaves a rule about a change to the apiserver, which has the old value', () => {
    expect(withRules(z.int(), positive, immutable).safeParse(1).success).toBe(true);
  });

  it('gives every rule to the apiserver, with the reason and the path of a forbidden change', () => {
    const schema = z.object({ note: z.string().optional() });
    const { 'x-kubernetes-validations': rules } = makeStructuralSchema(
      withRules(schema, { ...positive, holds: () => true }, immutable, neverAddedNorRemoved('note')),
    );
    expect(rules).toEqual([
      { rule: 'self > 0', message: 'expected a positive number' },
      { rule: 'self == oldSelf', message: 'field is immutable', reason: 'FieldValueForbidden' },
      {
        rule: 'has(self.note) == has(oldSelf.note)',
        message: 'field is immutable',
        reason: 'FieldValueForbidden',
        fieldPath: '.note',
      },
    ]);
  });
});

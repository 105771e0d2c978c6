/** Rules between fields, said twice: to zod, and to the apiserver in CEL. */
import type * as z from 'zod';

export interface Rule<T> {
  /** CEL over `self` (https://kubernetes.io/docs/reference/using-api/cel/). */
  readonly cel: string;
  /** What is expected, as the apiserver prints it after the path. */
  readonly message: string;
  /** The same in TypeScript. */
  readonly holds: (value: T) => boolean;
}

export const withRules = <S extends z.ZodType>(schema: S, ...rules: readonly Rule<z.output<S>>[]): S =>
  rules
    .reduce((ruled, { holds, message }) => ruled.refine(holds, message), schema)
    .meta({ 'x-kubernetes-validations': rules.map(({ cel, message }) => ({ rule: cel, message })) });

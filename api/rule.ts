/** Rules of the schema: what CEL checks in the apiserver, and zod in our own processes. */
import type * as z from 'zod';

interface CelRule {
  /** CEL over `self` (https://kubernetes.io/docs/reference/using-api/cel/). */
  readonly cel: string;
  /** What is expected, as the apiserver prints it after the path. */
  readonly message: string;
}

/** A rule about a value. */
export interface ValueRule<T> extends CelRule {
  /** The same in TypeScript. */
  readonly holds: (value: T) => boolean;
}

/** A rule about a change: CEL over `self` and `oldSelf`. Only the apiserver has the old value, so zod skips it. */
export interface TransitionRule extends CelRule {
  readonly reason: 'FieldValueForbidden';
  /** The member that the rule is about, where it is not the value itself. */
  readonly fieldPath?: string;
}

export type Rule<T> = ValueRule<T> | TransitionRule;

/** A change is refused with `<path>: Forbidden: field is immutable`. */
const forbidden = { message: 'field is immutable', reason: 'FieldValueForbidden' } as const;

export const immutable: TransitionRule = { cel: 'self == oldSelf', ...forbidden };

/** An optional member neither appears nor goes. A rule on the member itself is not asked then, so its parent holds this. */
export const neverAddedNorRemoved = (member: string): TransitionRule => ({
  cel: `has(self.${member}) == has(oldSelf.${member})`,
  ...forbidden,
  fieldPath: `.${member}`,
});

export const withRules = <S extends z.ZodType>(schema: S, ...rules: readonly Rule<z.output<S>>[]): S =>
  rules
    .reduce((ruled, rule) => ('holds' in rule ? ruled.refine(rule.holds, rule.message) : ruled), schema)
    .meta({ 'x-kubernetes-validations': rules.map(toCel) });

const toCel = <T>({ cel, ...rule }: Rule<T>) =>
  'holds' in rule ? { rule: cel, message: rule.message } : { rule: cel, ...rule };

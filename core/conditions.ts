/** Conditions as every kind has them (metav1.Condition). No I/O. No clock. */
import type { Condition } from '../api/fields.ts';

export type Verdict = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** When and of what the verdicts are true. */
export interface Stamp {
  readonly now: Date;
  readonly generation: number | undefined;
}

/**
 * The stored conditions with these verdicts in place of their types; other types are kept.
 * `lastTransitionTime` changes only with the status.
 */
export function mergeConditions(
  stored: readonly Condition[],
  verdicts: readonly Verdict[],
  { now, generation }: Stamp,
): Condition[] {
  const merged = new Map(stored.map((condition) => [condition.type, condition]));
  for (const one of verdicts) {
    const before = merged.get(one.type);
    const lastTransitionTime = before?.status === one.status ? before.lastTransitionTime : formatTime(now);
    const observed = generation === undefined ? {} : { observedGeneration: generation };
    merged.set(one.type, { ...one, lastTransitionTime, ...observed });
  }
  return [...merged.values()];
}

/** metav1.Time: RFC 3339 in whole seconds. */
const formatTime = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, 'Z');

/** JSON values, whoever sent them. No I/O. */
import { maxComparedDepth } from '../api/limits/webhooks.ts';

/**
 * Whether two say the same: lists in order, members of an object in any order.
 * What is nested deeper than anything we compare is the same as nothing.
 */
export function isSameJson(left: unknown, right: unknown, depth = 0): boolean {
  if (left === right) return true;
  if (depth > maxComparedDepth) return false;
  if (!isJsonObject(left) || !isJsonObject(right)) return isSameList(left, right, depth);
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isSameJson(left[key], right[key], depth + 1))
  );
}

const isSameList = (left: unknown, right: unknown, depth: number): boolean =>
  Array.isArray(left) &&
  Array.isArray(right) &&
  left.length === right.length &&
  left.every((item, index) => isSameJson(item, right[index], depth + 1));

export type JsonObject = Readonly<Record<string, unknown>>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The member of an object; undefined of everything else. */
export const member = (value: unknown, key: string): unknown =>
  isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;

/** What stands at the path, through own members of objects and lists alone; undefined where nothing does. */
export const at = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (found, key) =>
      typeof found === 'object' && found !== null && Object.hasOwn(found, key)
        ? (found as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );

/** The same, with the path as fields are named: `workers.scaling`. */
export const atPath = (value: unknown, path: string): unknown => at(value, path.split('.'));

/** Whether it nests at most this deep: what is deeper would exhaust the stack of whoever writes it out. */
export function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  for (const key in value) if (!isShallow((value as Record<string, unknown>)[key], depth - 1)) return false;
  return true;
}

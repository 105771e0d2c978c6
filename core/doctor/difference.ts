/** Where something is not as it was installed. No I/O. No clock. */
import { show } from '../field-errors.ts';

/** The first difference; undefined where all that is expected is there. What the apiserver adds by default is none. */
export function findDifference(expected: unknown, got: unknown, path: string): string | undefined {
  if (typeof expected !== 'object' || expected === null) {
    return expected === got ? undefined : `${path}: expected ${show(expected)}, got ${show(got)}`;
  }
  if (typeof got !== 'object' || got === null) return `${path}: expected what this release installs, got ${show(got)}`;
  if (Array.isArray(expected) && (!Array.isArray(got) || got.length !== expected.length)) {
    return `${path}: expected ${expected.length} entries, got ${Array.isArray(got) ? got.length : 'none'}`;
  }
  for (const [key, value] of Object.entries(expected)) {
    const found = findDifference(value, (got as Record<string, unknown>)[key], `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

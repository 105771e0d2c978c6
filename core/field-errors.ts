/** Says which fields of a body are wrong: where, what was expected, and what came. No I/O. */
import type { FieldError } from '../api/http/problem.ts';
import { maxShownValueLength } from '../api/limits/messages.ts';
import { at } from './json.ts';

/** An issue of zod; its message says what is expected. */
interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Only where fields are unknown; `path` is then where they stand. */
  readonly keys?: readonly string[];
}

export const toFieldErrors = ({ path, message, keys }: Issue, body: unknown): FieldError[] =>
  keys === undefined
    ? [fieldErrorAt(path, message, body)]
    : keys.map((key) => fieldErrorAt([...path, key], message, body));

export const fieldErrorAt = (path: readonly PropertyKey[], expected: string, body: unknown): FieldError => ({
  field: formatPath(path),
  expected,
  got: show(at(body, path)),
});

const formatPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (field, key) =>
      typeof key === 'number' ? `${field}[${key}]` : [field, shorten(String(key))].filter(Boolean).join('.'),
    '',
  ) || 'body';

/** What came, on one short line. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : shorten(JSON.stringify(value));
}

const shorten = (text: string): string =>
  text.length > maxShownValueLength ? `${text.slice(0, maxShownValueLength)}...` : text;

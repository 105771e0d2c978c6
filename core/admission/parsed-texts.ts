/** Texts of a pool that a library reads: schedules and buildkitd.toml. No I/O but through the ports. */
import type { StatusCause } from '../../api/http/admission-review.ts';
import { maxTomlDepth } from '../../api/limits/fields.ts';
import { maxReportedErrors, maxShownValueLength } from '../../api/limits/messages.ts';
import { at, isShallow, type JsonObject } from '../json.ts';
import { readBuildkitdConfig } from '../pool/buildkitd-config.ts';
import type { Result } from '../result.ts';
import type { ObjectRequest } from './object-request.ts';

export interface TextPorts {
  /** Whether it is a cron expression of five fields that matches some minute of some year. */
  readonly isSchedule: (text: string) => boolean;
  /** A TOML document, or where it stops being one. */
  readonly parseToml: (text: string) => Result<JsonObject, { readonly line: number; readonly column: number }>;
}

/** A text that has not changed is not judged: an old pool can still be changed elsewhere. */
export function checkTexts(request: ObjectRequest, { isSchedule, parseToml }: TextPorts): readonly StatusCause[] {
  const schedules = [['workers', 'scaling', 'schedule'], cacheSchedule].flatMap((path) =>
    checkText(request, path, (text) => (isSchedule(text) ? [] : [invalid(text, scheduleExpectation)])),
  );
  const config = checkText(request, ['workers', 'config'], (text) => {
    const parsed = parseToml(text);
    if (!parsed.ok) return [`Invalid value: ${expectation}, got something else at ${formatPosition(parsed.error)}`];
    if (!isShallow(parsed.value, maxTomlDepth)) return [`Invalid value: ${expectation} at most ${maxTomlDepth} deep`];
    return readBuildkitdConfig(parsed.value)
      .refused.slice(0, maxReportedErrors)
      .map((key) => `Forbidden: ${key.slice(0, maxShownValueLength)}: ${refusedReason}`);
  });
  return [...schedules, ...config];
}

const cacheSchedule = ['cache', 'gc', 'schedule'];
const scheduleExpectation = 'expected a cron expression of five fields that matches some day';
const expectation = 'expected buildkitd.toml';
const refusedReason = 'not one of the settings of buildkitd that a pool may choose';

function checkText(
  { spec, oldSpec }: ObjectRequest,
  path: readonly string[],
  judge: (text: string) => readonly string[],
): readonly StatusCause[] {
  const text = at(spec, path);
  if (typeof text !== 'string' || text === at(oldSpec, path)) return [];
  return judge(text).map((message) => ({
    field: ['spec', ...path].join('.'),
    reason: message.startsWith('Forbidden') ? 'FieldValueForbidden' : 'FieldValueInvalid',
    message,
  }));
}

const invalid = (text: string, expected: string): string =>
  `Invalid value: ${JSON.stringify(text.slice(0, maxShownValueLength))}: ${expected}`;

const formatPosition = ({ line, column }: { readonly line: number; readonly column: number }): string =>
  `line ${line}, column ${column}`;

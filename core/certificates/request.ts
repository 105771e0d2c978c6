/** The body of a certificate request, judged whole: every field that is wrong is named at once. No I/O. */
import { certificateRequest, DURATION_EXPECTATION, UNSUPPORTED_FIELDS } from '../../api/http/certificates.ts';
import type { FieldError } from '../../api/http/problem.ts';
import {
  maxCertificateTtlSeconds,
  maxReportedErrors,
  maxShownValueLength,
  minCertificateTtlSeconds,
} from '../../api/limits.ts';
import { nanosecondsPerSecond, parseDuration } from '../duration.ts';
import { at } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import type { CsrFault, SubjectKey } from './issued.ts';

export interface CertificateRequest {
  /** As asked: `<pool>` or `<namespace>/<pool>`, duplicates included. */
  readonly pools: readonly string[];
  /** Undefined where the pools are to say. */
  readonly ttlSeconds: number | undefined;
  /** Undefined where a key is to be made. */
  readonly subjectKey: SubjectKey | undefined;
}

/** PEM, or DER in base64. */
export type ReadCsr = (csr: string) => Result<SubjectKey, CsrFault>;

export interface RequestFault {
  readonly code: 'invalid_request' | 'unsupported_field';
  readonly errors: readonly FieldError[];
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Only where fields are unknown; `path` is then where they stand. */
  readonly keys?: readonly string[];
}

export function parseCertificateRequest(body: unknown, readCsr: ReadCsr): Result<CertificateRequest, RequestFault> {
  const parsed = certificateRequest.safeParse(body);
  const errors = parsed.success ? [] : parsed.error.issues.flatMap((issue) => toFieldErrors(issue, body));
  /** What stands there and was not found wrong yet. */
  const sound = (field: string) => (errors.some((error) => error.field === field) ? undefined : at(body, [field]));
  const [duration, csr] = [sound('duration'), sound('csr')];
  const ttlSeconds = duration === undefined ? undefined : parseTtl(duration);
  if (duration !== undefined && ttlSeconds === undefined)
    errors.push(fieldErrorAt(['duration'], DURATION_EXPECTATION, body));
  const key = typeof csr === 'string' ? readCsr(csr) : undefined;
  if (key?.ok === false) errors.push({ field: 'csr', ...key.error });
  if (parsed.success && errors.length === 0) {
    return ok({ pools: parsed.data.pools, ttlSeconds, subjectKey: key?.ok === true ? key.value : undefined });
  }
  const isUnsupported = errors.some(({ field }) => UNSUPPORTED_FIELDS.includes(field));
  return err({
    code: isUnsupported ? 'unsupported_field' : 'invalid_request',
    errors: errors.slice(0, maxReportedErrors),
  });
}

/** Whole seconds: certificates know no smaller unit. */
function parseTtl(duration: unknown): number | undefined {
  if (typeof duration !== 'string') return undefined;
  const parsed = parseDuration(duration);
  if (!parsed.ok) return undefined;
  const isWithin =
    parsed.value >= BigInt(minCertificateTtlSeconds) * nanosecondsPerSecond &&
    parsed.value <= BigInt(maxCertificateTtlSeconds) * nanosecondsPerSecond;
  return isWithin ? Number(parsed.value / nanosecondsPerSecond) : undefined;
}

const toFieldErrors = ({ path, message, keys }: Issue, body: unknown): FieldError[] =>
  keys === undefined
    ? [fieldErrorAt(path, message, body)]
    : keys.map((key) => fieldErrorAt([...path, key], message, body));

const fieldErrorAt = (path: readonly PropertyKey[], expected: string, body: unknown): FieldError => ({
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
function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : shorten(JSON.stringify(value));
}

const shorten = (text: string): string =>
  text.length > maxShownValueLength ? `${text.slice(0, maxShownValueLength)}...` : text;

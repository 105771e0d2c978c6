/** The body of a certificate request, judged whole: every field that is wrong is named at once. No I/O. */
import { certificateRequest, DURATION_EXPECTATION, UNSUPPORTED_FIELDS } from '../../api/http/certificates.ts';
import type { FieldError } from '../../api/http/problem.ts';
import { maxCertificateTtlSeconds, minCertificateTtlSeconds } from '../../api/limits/certificates.ts';
import { maxReportedErrors } from '../../api/limits/messages.ts';
import { nanosecondsPerSecond, parseDuration } from '../duration.ts';
import { fieldErrorAt, toFieldErrors } from '../field-errors.ts';
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

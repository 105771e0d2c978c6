/** The body of a certificate request, judged whole: every field that is wrong is named at once. No I/O. */
import { certificateRequest, DURATION_EXPECTATION, UNSUPPORTED_FIELDS } from '../../api/http/certificates.ts';
import type { FieldError } from '../../api/http/problem.ts';
import {
  defaultCertificateTtlSeconds,
  maxCertificateTtlSeconds,
  maxReportedErrors,
  minCertificateTtlSeconds,
} from '../../api/limits.ts';
import { nanosecondsPerSecond, parseDuration } from '../duration.ts';
import { fieldErrorAt, toFieldErrors } from '../field-errors.ts';
import { at } from '../json.ts';
import { err, ok, type Result } from '../result.ts';

export interface CertificateRequest {
  /** As asked: `<pool>` or `<namespace>/<pool>`, duplicates included. */
  readonly pools: readonly string[];
  readonly ttlSeconds: number;
}

export interface RequestFault {
  readonly code: 'invalid_request' | 'unsupported_field';
  readonly errors: readonly FieldError[];
}

export function parseCertificateRequest(body: unknown): Result<CertificateRequest, RequestFault> {
  const parsed = certificateRequest.safeParse(body);
  const errors = parsed.success ? [] : parsed.error.issues.flatMap((issue) => toFieldErrors(issue, body));
  const isDurationText = !errors.some(({ field }) => field === 'duration');
  const ttlSeconds = isDurationText ? parseTtl(at(body, ['duration'])) : undefined;
  if (isDurationText && ttlSeconds === undefined) errors.push(fieldErrorAt(['duration'], DURATION_EXPECTATION, body));
  if (parsed.success && ttlSeconds !== undefined) return ok({ pools: parsed.data.pools, ttlSeconds });
  const isUnsupported = errors.some(({ field }) => UNSUPPORTED_FIELDS.includes(field));
  return err({
    code: isUnsupported ? 'unsupported_field' : 'invalid_request',
    errors: errors.slice(0, maxReportedErrors),
  });
}

/** Whole seconds: certificates know no smaller unit. */
function parseTtl(duration: unknown): number | undefined {
  if (duration === undefined) return defaultCertificateTtlSeconds;
  if (typeof duration !== 'string') return undefined;
  const parsed = parseDuration(duration);
  if (!parsed.ok) return undefined;
  const isWithin =
    parsed.value >= BigInt(minCertificateTtlSeconds) * nanosecondsPerSecond &&
    parsed.value <= BigInt(maxCertificateTtlSeconds) * nanosecondsPerSecond;
  return isWithin ? Number(parsed.value / nanosecondsPerSecond) : undefined;
}

/** What a gateway reports of its connections, and who the reporter is. No I/O. */
import { connectionReport } from '../../api/http/connection-report.ts';
import type { FieldError } from '../../api/http/problem.ts';
import { maxReportedErrors } from '../../api/limits/messages.ts';
import { toFieldErrors } from '../field-errors.ts';
import type { PoolKey } from '../pool-reference.ts';
import { err, ok, type Result } from '../result.ts';
import { namespaceOf, type Principal } from '../principal.ts';

/** Counters of one process. They may be reported again, or late. */
export interface ConnectionReport {
  readonly startedAt: Date;
  /** Grows with each report of the process. */
  readonly sequence: number;
  readonly active: number;
  readonly total: number;
  readonly lastConnectionTime: Date | undefined;
}

/** The Pod that a token is bound to. */
export interface Reporter {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
}

export function parseReport(
  body: unknown,
): Result<{ readonly pool: string; readonly report: ConnectionReport }, readonly FieldError[]> {
  const parsed = connectionReport.safeParse(body);
  if (!parsed.success) {
    return err(parsed.error.issues.flatMap((issue) => toFieldErrors(issue, body)).slice(0, maxReportedErrors));
  }
  const { pool, startedAt, lastConnectionTime, ...counters } = parsed.data;
  return ok({
    pool,
    report: {
      ...counters,
      startedAt: new Date(startedAt),
      lastConnectionTime: lastConnectionTime === undefined ? undefined : new Date(lastConnectionTime),
    },
  });
}

const podName = 'authentication.kubernetes.io/pod-name';
const podUid = 'authentication.kubernetes.io/pod-uid';

/**
 * Undefined for a token that is bound to no Pod: such a one outlives whoever counts
 * (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens).
 */
export function readReporter(principal: Principal): Reporter | undefined {
  const { extra } = principal.user;
  const namespace = namespaceOf(principal);
  const [pod] = extra?.[podName] ?? [];
  const [uid] = extra?.[podUid] ?? [];
  return namespace === undefined || pod === undefined || uid === undefined ? undefined : { namespace, pod, uid };
}

/** A report, and where it is to be counted. */
export interface ReceivedReport {
  readonly key: PoolKey;
  readonly reporter: Reporter;
  readonly report: ConnectionReport;
}

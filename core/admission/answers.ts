/** Every answer of admission is built by one of these. */
import {
  ADMISSION_API_VERSION,
  ADMISSION_KIND,
  type AddOperation,
  type AdmissionAnswer,
  type AdmissionResponse,
  type AdmissionStatus,
  type StatusCause,
} from '../../api/http/admission-review.ts';
import { GROUP, KINDS } from '../../api/names.ts';
import type { UserInfo } from '../../api/review.ts';
import { formatPoolKey, type PoolKey } from '../pool-reference.ts';

/** Which review is answered, and what object it is about. */
export interface Reviewed {
  readonly uid: string;
  readonly kind: string;
  readonly name: string;
}

/** Causes an allowed write: nothing is changed; the warnings are printed by kubectl. */
export const allowed = (uid: string, warnings: readonly string[] = []): AdmissionAnswer => patched(uid, [], warnings);

/** Causes a write of the patched object; the warnings are printed by kubectl. */
export const patched = (uid: string, patch: readonly AddOperation[], warnings: readonly string[]): AdmissionAnswer =>
  answer({
    uid,
    allowed: true,
    ...(patch.length === 0 ? {} : { patchType: 'JSONPatch', patch: encode(patch) }),
    ...(warnings.length === 0 ? {} : { warnings }),
  });

/** Causes `Error from server (Forbidden)`: kubectl prints the message alone. */
export const forbidden = (reviewed: Reviewed, causes: readonly StatusCause[]): AdmissionAnswer =>
  denied(reviewed, { code: 403, reason: 'Forbidden', message: joinCauses(causes) }, { causes });

/** Causes `The <kind> "..." is invalid`: kubectl prints the causes, other clients the message. */
export const invalid = (reviewed: Reviewed, causes: readonly StatusCause[]): AdmissionAnswer => {
  const subject = `${reviewed.kind}.${GROUP} ${JSON.stringify(reviewed.name)}`;
  const message = `${subject} is invalid: ${joinCauses(causes)}`;
  return denied(reviewed, { code: 422, reason: 'Invalid', message }, { causes });
};

/** A review that should never have come here. */
export const unsupported = (reviewed: Reviewed, message: string): AdmissionAnswer =>
  denied(reviewed, { code: 400, reason: 'BadRequest', message }, {});

/** Causes a denied write that client-go repeats by itself: the apiserver makes a Retry-After of the seconds. */
export const unavailable = (reviewed: Reviewed): AdmissionAnswer =>
  denied(
    reviewed,
    {
      code: 503,
      reason: 'ServiceUnavailable',
      message: `${unanswered(reviewed.kind)}; the request may be retried`,
    },
    { retryAfterSeconds: 1 },
  );

/** The same whether the pool exists or not. */
export const ungranted = (pool: PoolKey): string =>
  `reference to ${KINDS.pool.kind} "${formatPoolKey(pool)}" is not permitted by any grant`;

/** As RBAC words it. */
export const cannot = ({ username }: UserInfo, verb: string, namespace: string): string =>
  `user ${JSON.stringify(username)} cannot ${verb} resource "${KINDS.pool.plural}" in API group "${GROUP}" ` +
  `in the namespace "${namespace}"`;

export const immutable = (field: string): StatusCause => ({
  field,
  reason: 'FieldValueForbidden',
  message: 'Forbidden: field is immutable',
});

const unanswered = (kind: string): string =>
  kind === KINDS.worker.kind
    ? 'spec.poolRef: the apiserver could not be asked about the reference'
    : `the apiserver could not be asked about this ${kind}`;

const answer = (response: AdmissionResponse): AdmissionAnswer => ({
  apiVersion: ADMISSION_API_VERSION,
  kind: ADMISSION_KIND,
  response,
});

function denied(
  { uid, kind, name }: Reviewed,
  status: Omit<AdmissionStatus, 'details'>,
  details: Omit<AdmissionStatus['details'], 'name' | 'group' | 'kind'>,
): AdmissionAnswer {
  const object = { name, group: GROUP, kind };
  return answer({ uid, allowed: false, status: { ...status, details: { ...object, ...details } } });
}

/** As apimachinery joins a list of field errors. */
function joinCauses(causes: readonly StatusCause[]): string {
  const lines = causes.map(({ field, message }) => `${field}: ${message}`);
  return lines.length === 1 ? lines.join() : `[${lines.join(', ')}]`;
}

const encode = (patch: readonly AddOperation[]): string => new TextEncoder().encode(JSON.stringify(patch)).toBase64();

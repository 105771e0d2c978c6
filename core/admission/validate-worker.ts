/**
 * What `/validate` lets through: a worker whose creator may join it to its pool, and that never changes pool or creator.
 *
 * Nothing is told about a pool, not even that it exists, before the reference is permitted.
 */
import type { AdmissionAnswer, StatusCause } from '../../api/http/admission-review.ts';
import { maxRequesterBytes } from '../../api/limits.ts';
import { GROUP, KINDS, VERBS } from '../../api/names.ts';
import type { PoolAccess, UserInfo } from '../../api/review.ts';
import { formatPoolKey, type PoolKey } from '../pool-reference.ts';
import { allowed, forbidden, invalid } from './answers.ts';
import { isSameJson } from './json.ts';
import type { WorkerFields, WorkerRequest } from './worker-request.ts';

/** Both throw when there is no answer to be had. */
export interface ReferencePorts {
  readonly reviewAccess: (user: UserInfo, access: PoolAccess) => Promise<boolean>;
  readonly hasPool: (pool: PoolKey) => Promise<boolean>;
}

export const validateWorker = async (request: WorkerRequest, ports: ReferencePorts): Promise<AdmissionAnswer> =>
  request.operation === 'CREATE' ? await validateNew(request, ports) : validateChanged(request);

async function validateNew(request: WorkerRequest, ports: ReferencePorts): Promise<AdmissionAnswer> {
  const findings = [...checkStamp(request), ...checkReferenceFields(request.worker)];
  const pool = readPool(request.worker, request.namespace);
  if (pool === undefined) return judge(request, findings);
  // Rule 3 asks about the stamp: one that can't be trusted is not asked about.
  if (findings.length > 0 && !isOwn(request, pool)) return judge(request, findings);
  if (!(await isPermitted(request, pool, ports))) return forbidden(request, [notPermitted(request, pool)]);
  return judge(request, (await ports.hasPool(pool)) ? findings : [...findings, notFound(pool)]);
}

/** An unchanged reference asks nobody: labels must not fail because a right or the pool went away. */
function validateChanged(request: WorkerRequest): AdmissionAnswer {
  const { worker, oldWorker, namespace } = request;
  const isSamePool = isSameJson(readPool(worker, namespace), readPool(oldWorker, namespace));
  const isSameRequester = isSameJson(worker.requester, oldWorker.requester);
  return judge(request, [
    ...(isSamePool ? [] : [immutable('spec.poolRef')]),
    ...(isSameRequester ? [] : [immutable('spec.requester')]),
  ]);
}

const judge = (request: WorkerRequest, findings: readonly StatusCause[]): AdmissionAnswer =>
  findings.length === 0 ? allowed(request.uid) : invalid(request, findings);

/** The rules by which a worker may reference a pool, in order. */
const isPermitted = async (request: WorkerRequest, pool: PoolKey, ports: ReferencePorts): Promise<boolean> =>
  isOwn(request, pool) || (await ports.reviewAccess(request.caller, { verb: VERBS.attach, ...pool }));

const isOwn = (request: WorkerRequest, pool: PoolKey): boolean => pool.namespace === request.namespace;

function readPool({ poolRef }: WorkerFields, ownNamespace: string): PoolKey | undefined {
  const { name, namespace } = poolRef ?? {};
  if (typeof name !== 'string') return undefined;
  return { namespace: typeof namespace === 'string' ? namespace : ownNamespace, name };
}

/** The stamp is compared whole: one without its groups would be reviewed as somebody else. */
function checkStamp({ worker, caller }: WorkerRequest): readonly StatusCause[] {
  const field = 'spec.requester';
  if (worker.requester === undefined) {
    return [{ field, reason: 'FieldValueRequired', message: 'Required value: is written by admission' }];
  }
  if (!isSameJson(worker.requester, caller)) {
    const message = 'Forbidden: must be the user who sends the request';
    return [{ field, reason: 'FieldValueForbidden', message }];
  }
  if (new TextEncoder().encode(JSON.stringify(caller)).length > maxRequesterBytes) {
    const message = `Too long: may not be more than ${maxRequesterBytes} bytes`;
    return [{ field, reason: 'FieldValueTooLong', message }];
  }
  return [];
}

const checkReferenceFields = ({ poolRef }: WorkerFields): readonly StatusCause[] =>
  ['name', 'namespace']
    .filter((member) => typeof poolRef?.[member] !== 'string')
    .map((member) => ({
      field: `spec.poolRef.${member}`,
      reason: 'FieldValueRequired',
      message: member === 'name' ? 'Required value' : 'Required value: is written by admission',
    }));

function notPermitted(request: WorkerRequest, pool: PoolKey): StatusCause {
  const user = JSON.stringify(request.caller.username);
  const message =
    `Forbidden: reference to ${KINDS.pool.kind} "${formatPoolKey(pool)}" is not permitted by any grant, ` +
    `and user ${user} cannot attach resource "${KINDS.pool.plural}" in API group "${GROUP}" ` +
    `in the namespace "${pool.namespace}"`;
  return { field: 'spec.poolRef', reason: 'FieldValueForbidden', message };
}

const notFound = (pool: PoolKey): StatusCause => ({
  field: 'spec.poolRef',
  reason: 'FieldValueNotFound',
  message: `Not found: "${formatPoolKey(pool)}"`,
});

const immutable = (field: string): StatusCause => ({
  field,
  reason: 'FieldValueForbidden',
  message: 'Forbidden: field is immutable',
});

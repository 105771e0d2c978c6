/**
 * What `/validate` lets through: a worker whose creator may join it to its pool, and that never changes pool or creator.
 *
 * Nothing is told about a pool, not even that it exists, before the reference is permitted.
 */
import type { AdmissionAnswer, StatusCause } from '../../api/http/admission-review.ts';
import { maxRequesterBytes } from '../../api/limits/webhooks.ts';
import { VERBS } from '../../api/names.ts';
import { formatPoolKey, type PoolKey } from '../pool-reference.ts';
import { allowed, cannot, forbidden, immutable, invalid, ungranted } from './answers.ts';
import { isSameJson } from '../json.ts';
import { judgeReference, type ReferencePorts } from './reference.ts';
import type { WorkerFields, WorkerRequest } from './worker-request.ts';

export const validateWorker = async (request: WorkerRequest, ports: ReferencePorts): Promise<AdmissionAnswer> =>
  request.operation === 'CREATE' ? await validateNew(request, ports) : validateChanged(request);

async function validateNew(request: WorkerRequest, ports: ReferencePorts): Promise<AdmissionAnswer> {
  const findings = [...checkStamp(request), ...checkReferenceFields(request.worker)];
  const pool = readPool(request.worker, request.namespace);
  if (pool === undefined) return judge(request, findings);
  // The rights of who is stamped decide: nobody is asked about a stamp that can't be trusted.
  if (findings.length > 0 && pool.namespace !== request.namespace) return judge(request, findings);
  const verdict = await judgeReference(pool, { namespace: request.namespace, user: request.caller }, ports);
  if (verdict === 'not permitted') return forbidden(request, [notPermitted(request, pool, ports)]);
  return judge(request, verdict === 'permitted' ? findings : [...findings, notFound(pool)]);
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

function notPermitted(
  { caller, isStampCut }: WorkerRequest,
  pool: PoolKey,
  { isAttachCounted }: Pick<ReferencePorts, 'isAttachCounted'>,
): StatusCause {
  const message = `Forbidden: ${ungranted(pool)}`;
  const groups = isStampCut ? ` by name alone: the groups take more than ${maxRequesterBytes} bytes` : '';
  const why = isAttachCounted ? `, and ${cannot(caller, VERBS.attach, pool.namespace)}${groups}` : '';
  return { field: 'spec.poolRef', reason: 'FieldValueForbidden', message: message + why };
}

const notFound = (pool: PoolKey): StatusCause => ({
  field: 'spec.poolRef',
  reason: 'FieldValueNotFound',
  message: `Not found: "${formatPoolKey(pool)}"`,
});

/**
 * What `/mutate` does to a worker: writes out the namespace of its pool and stamps who created it.
 *
 * It runs before the schema. An object without a usable reference gets no patch: the schema refuses it.
 */
import type { AddOperation, AdmissionAnswer } from '../../api/http/admission-review.ts';
import { patched } from './answers.ts';
import { isSameJson } from '../json.ts';
import type { WorkerFields, WorkerRequest } from './worker-request.ts';

const namespacePath = '/spec/poolRef/namespace';
const requesterPath = '/spec/requester';

const replacedRequesterWarning = 'spec.requester: is written by admission, the value given was replaced';

export const defaultWorker = (request: WorkerRequest): AdmissionAnswer =>
  request.operation === 'CREATE' ? stamp(request) : restore(request);

function stamp({ uid, namespace, caller, worker }: WorkerRequest): AdmissionAnswer {
  if (worker.poolRef === undefined) return patched(uid, [], []);
  const isStamped = isSameJson(worker.requester, caller);
  const isReplaced = !isStamped && worker.requester !== undefined;
  return patched(
    uid,
    [...addMissing(namespacePath, namespaceOf(worker), namespace), ...(isStamped ? [] : [add(requesterPath, caller)])],
    isReplaced ? [replacedRequesterWarning] : [],
  );
}

/** A replace by a manifest that never had the fields must not strip them. What is present is left to CEL. */
function restore({ uid, worker, oldWorker }: WorkerRequest): AdmissionAnswer {
  if (worker.poolRef === undefined) return patched(uid, [], []);
  const namespace = addMissing(namespacePath, namespaceOf(worker), namespaceOf(oldWorker));
  const requester = addMissing(requesterPath, worker.requester, oldWorker.requester);
  return patched(uid, [...namespace, ...requester], []);
}

const namespaceOf = (worker: WorkerFields): unknown => worker.poolRef?.['namespace'] ?? undefined;

const addMissing = (path: string, present: unknown, value: unknown): readonly AddOperation[] =>
  present === undefined && value !== undefined ? [add(path, value)] : [];

const add = (path: string, value: unknown): AddOperation => ({ op: 'add', path, value });

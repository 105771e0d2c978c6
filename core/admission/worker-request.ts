/** What admission reads of a review of a BuildKitWorker. */
import type { AdmissionRequest } from '../../api/http/admission-review.ts';
import { API_VERSION, GROUP, KINDS, VERSION } from '../../api/names.ts';
import type { UserInfo } from '../../api/review.ts';
import { err, ok, type Result } from '../result.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { makeRequester } from './requester.ts';

export interface WorkerRequest {
  readonly uid: string;
  readonly operation: 'CREATE' | 'UPDATE';
  readonly namespace: string;
  /** `generateName` where the name is still to be generated. */
  readonly name: string;
  /** The stamp of whoever sent the request. */
  readonly caller: UserInfo;
  readonly worker: WorkerFields;
  readonly oldWorker: WorkerFields;
}

/** Undefined is what is absent, null, or not of its type. */
export interface WorkerFields {
  readonly poolRef: JsonObject | undefined;
  /** As it stands: its type is not checked. */
  readonly requester: unknown;
}

/** Closed: what is not a CREATE or UPDATE of a worker in our version is an error, which says what was expected. */
export function toWorkerRequest(request: AdmissionRequest): Result<WorkerRequest, string> {
  const { kind, resource, operation, namespace = '', subResource = '' } = request;
  const got = `${kind.group}/${kind.version} ${kind.kind}`;
  const expected = `${API_VERSION} ${KINDS.worker.kind}`;
  if (got !== expected) return err(`request.kind: expected ${expected}, got ${got}`);
  const gotPlural = `${resource.group}/${resource.version} ${resource.resource}`;
  const expectedPlural = `${GROUP}/${VERSION} ${KINDS.worker.plural}`;
  if (gotPlural !== expectedPlural) return err(`request.resource: expected ${expectedPlural}, got ${gotPlural}`);
  if (subResource !== '') return err(`request.subResource: expected none, got ${subResource}`);
  if (operation !== 'CREATE' && operation !== 'UPDATE') {
    return err(`request.operation: expected CREATE or UPDATE, got ${operation}`);
  }
  if (namespace === '') return err('request.namespace: expected the namespace of the worker, got none');
  return ok({
    uid: request.uid,
    operation,
    namespace,
    name: readName(request),
    caller: makeRequester(request.userInfo),
    worker: readWorker(request.object),
    oldWorker: readWorker(request.oldObject),
  });
}

function readName({ name, object }: AdmissionRequest): string {
  const metadata = member(object, 'metadata');
  const names = [name, member(metadata, 'name'), member(metadata, 'generateName')];
  return (names.find((candidate) => typeof candidate === 'string' && candidate !== '') as string | undefined) ?? '';
}

function readWorker(object: unknown): WorkerFields {
  const spec = member(object, 'spec');
  const poolRef = member(spec, 'poolRef');
  return {
    poolRef: isJsonObject(poolRef) ? poolRef : undefined,
    requester: member(spec, 'requester') ?? undefined,
  };
}

const member = (value: unknown, key: string): unknown => (isJsonObject(value) ? value[key] : undefined);

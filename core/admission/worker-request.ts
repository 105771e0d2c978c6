/** What admission reads of a BuildKitWorker. */
import { isJsonObject, member, type JsonObject } from '../json.ts';
import type { ObjectRequest } from './object-request.ts';
import { makeStamp } from './requester.ts';

export interface WorkerRequest extends Omit<ObjectRequest, 'spec' | 'oldSpec'> {
  readonly worker: WorkerFields;
  readonly oldWorker: WorkerFields;
  /** Whether the stamp lacks groups and attributes of the user, because they are too many to be stored. */
  readonly isStampCut: boolean;
}

/** Undefined is what is absent, null, or not of its type. */
export interface WorkerFields {
  readonly poolRef: JsonObject | undefined;
  /** As it stands: its type is not checked. */
  readonly requester: unknown;
}

export function toWorkerRequest({ spec, oldSpec, caller, ...request }: ObjectRequest): WorkerRequest {
  const stamp = makeStamp(caller);
  return {
    ...request,
    caller: stamp,
    isStampCut: stamp !== caller,
    worker: readWorker(spec),
    oldWorker: readWorker(oldSpec),
  };
}

function readWorker(spec: JsonObject | undefined): WorkerFields {
  const poolRef = member(spec, 'poolRef');
  return {
    poolRef: isJsonObject(poolRef) ? poolRef : undefined,
    requester: member(spec, 'requester') ?? undefined,
  };
}

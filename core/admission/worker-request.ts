/** What admission reads of a BuildKitWorker. */
import { isJsonObject, member, type JsonObject } from '../json.ts';
import type { ObjectRequest } from './object-request.ts';

export interface WorkerRequest extends Omit<ObjectRequest, 'spec' | 'oldSpec'> {
  readonly worker: WorkerFields;
  readonly oldWorker: WorkerFields;
}

/** Undefined is what is absent, null, or not of its type. */
export interface WorkerFields {
  readonly poolRef: JsonObject | undefined;
  /** As it stands: its type is not checked. */
  readonly requester: unknown;
}

export const toWorkerRequest = ({ spec, oldSpec, ...request }: ObjectRequest): WorkerRequest => ({
  ...request,
  worker: readWorker(spec),
  oldWorker: readWorker(oldSpec),
});

function readWorker(spec: JsonObject | undefined): WorkerFields {
  const poolRef = member(spec, 'poolRef');
  return {
    poolRef: isJsonObject(poolRef) ? poolRef : undefined,
    requester: member(spec, 'requester') ?? undefined,
  };
}

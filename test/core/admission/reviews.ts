/** AdmissionReviews as the apiserver sends them. */
import type { AdmissionAnswer, AdmissionRequest } from '../../../api/http/admission-review.ts';
import type { UserInfo } from '../../../api/review.ts';
import { toWorkerRequest, type WorkerRequest } from '../../../core/admission/worker-request.ts';

export const developer: UserInfo = {
  username: 'dev@tenant-a',
  uid: '42',
  groups: ['tenants', 'system:authenticated'],
  extra: { team: ['blue'] },
};

const group = 'buildkit.smrt-devops.net';

/** A CREATE by the developer in tenant-a, unless told otherwise. */
export const makeAdmissionRequest = (changes: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
  uid: 'review-1',
  kind: { group, version: 'v1alpha1', kind: 'BuildKitWorker' },
  resource: { group, version: 'v1alpha1', resource: 'buildkitworkers' },
  name: 'worker-1',
  namespace: 'tenant-a',
  operation: 'CREATE',
  userInfo: {
    username: 'dev@tenant-a',
    uid: '42',
    groups: ['tenants', 'system:authenticated'],
    extra: { team: ['blue'], 'authentication.kubernetes.io/credential-id': ['JTI=1'] },
  },
  object: makeWorker({ poolRef: { name: 'my-pool' } }),
  oldObject: null,
  ...changes,
});

export const makeWorker = (spec: unknown): unknown => ({
  apiVersion: `${group}/v1alpha1`,
  kind: 'BuildKitWorker',
  metadata: { name: 'worker-1', namespace: 'tenant-a' },
  spec,
});

/** The request as core reads it. */
export function makeWorkerRequest(changes: Partial<AdmissionRequest> = {}): WorkerRequest {
  const request = toWorkerRequest(makeAdmissionRequest(changes));
  if (!request.ok) throw new TypeError(request.error);
  return request.value;
}

export const makeCreate = (spec: unknown): WorkerRequest => makeWorkerRequest({ object: makeWorker(spec) });

export const makeUpdate = (oldSpec: unknown, spec: unknown): WorkerRequest =>
  makeWorkerRequest({ operation: 'UPDATE', object: makeWorker(spec), oldObject: makeWorker(oldSpec) });

/** The JSON Patch of an answer; empty where it has none. */
export const patchOf = ({ response }: AdmissionAnswer): unknown[] =>
  response.patch === undefined ? [] : (JSON.parse(Buffer.from(response.patch, 'base64').toString()) as unknown[]);

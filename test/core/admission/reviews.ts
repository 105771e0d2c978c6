/** AdmissionReviews as the apiserver sends them. */
import type { AdmissionAnswer, AdmissionRequest } from '../../../api/http/admission-review.ts';
import type { UserInfo } from '../../../api/review.ts';
import { toObjectRequest, type ObjectRequest } from '../../../core/admission/object-request.ts';
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
  kind: { group, version: 'v1beta1', kind: 'BuildKitWorker' },
  resource: { group, version: 'v1beta1', resource: 'buildkitworkers' },
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
  apiVersion: `${group}/v1beta1`,
  kind: 'BuildKitWorker',
  metadata: { name: 'worker-1', namespace: 'tenant-a' },
  spec,
});

/** The request as core reads it. */
export function makeObjectRequest(changes: Partial<AdmissionRequest> = {}): ObjectRequest {
  const request = toObjectRequest(makeAdmissionRequest(changes));
  if (!request.ok) throw new TypeError(request.error);
  return request.value;
}

export const makeWorkerRequest = (changes: Partial<AdmissionRequest> = {}): WorkerRequest =>
  toWorkerRequest(makeObjectRequest(changes));

export const makeCreate = (spec: unknown): WorkerRequest => makeWorkerRequest({ object: makeWorker(spec) });

export const makeUpdate = (oldSpec: unknown, spec: unknown): WorkerRequest =>
  makeWorkerRequest({ operation: 'UPDATE', object: makeWorker(spec), oldObject: makeWorker(oldSpec) });

/** The JSON Patch of an answer; empty where it has none. */
export const patchOf = ({ response }: AdmissionAnswer): unknown[] =>
  response.patch === undefined ? [] : (JSON.parse(Buffer.from(response.patch, 'base64').toString()) as unknown[]);

const about = (kind: string, resource: string) => ({
  kind: { group, version: 'v1beta1', kind },
  resource: { group, version: 'v1beta1', resource },
});

/** A CREATE of a pool by the developer in tenant-a; an UPDATE where an old spec is given. */
export const makePoolRequest = (spec: unknown, oldSpec?: unknown, changes: Partial<AdmissionRequest> = {}) =>
  makeObjectRequest({
    ...about('BuildKitPool', 'buildkitpools'),
    name: 'my-pool',
    operation: oldSpec === undefined ? 'CREATE' : 'UPDATE',
    object: { spec },
    oldObject: oldSpec === undefined ? null : { spec: oldSpec },
    ...changes,
  });

/** As `makePoolRequest`, of an OIDC config. */
export const makeConfigRequest = (spec: unknown, oldSpec?: unknown, changes: Partial<AdmissionRequest> = {}) =>
  makePoolRequest(spec, oldSpec, { ...about('BuildKitOIDCConfig', 'buildkitoidcconfigs'), name: 'ci', ...changes });

/** The answer that denies with these findings; `Invalid` unless a right is missing. */
export function makeDenial(
  object: { kind: string; name: string },
  causes: readonly { field: string; reason: string; message: string }[],
  isForbidden = false,
): AdmissionAnswer {
  const lines = causes.map(({ field, message }) => `${field}: ${message}`);
  const list = lines.length === 1 ? lines.join() : `[${lines.join(', ')}]`;
  const status = isForbidden
    ? { code: 403, reason: 'Forbidden', message: list }
    : { code: 422, reason: 'Invalid', message: `${object.kind}.${group} "${object.name}" is invalid: ${list}` };
  const details = { name: object.name, group, kind: object.kind, causes };
  const response = { uid: 'review-1', allowed: false, status: { ...status, details } };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}

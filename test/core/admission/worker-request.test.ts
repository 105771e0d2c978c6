import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toWorkerRequest } from '../../../core/admission/worker-request.ts';
import { developer, makeAdmissionRequest } from './reviews.ts';

const group = 'buildkit.smrt-devops.net';

describe('toWorkerRequest', () => {
  it('reads who asks for what', () => {
    expect(toWorkerRequest(makeAdmissionRequest())).toEqual({
      ok: true,
      value: {
        uid: 'review-1',
        operation: 'CREATE',
        namespace: 'tenant-a',
        name: 'worker-1',
        caller: developer,
        worker: { poolRef: { name: 'my-pool' }, requester: undefined },
        oldWorker: { poolRef: undefined, requester: undefined },
      },
    });
  });

  it.each([
    [{ name: '', object: { metadata: { name: 'a', generateName: 'b-' } } }, 'a'],
    [{ name: '', object: { metadata: { generateName: 'b-' } } }, 'b-'],
    [{ name: '', object: { metadata: { generateName: 7 } } }, ''],
    [{ name: '', object: null }, ''],
  ])('names an object without a name in the request: %j', (changes, name) => {
    expect(toWorkerRequest(makeAdmissionRequest(changes))).toMatchObject({ ok: true, value: { name } });
  });

  it.each([
    [
      { kind: { group, version: 'v1beta1', kind: 'BuildKitWorker' } },
      `request.kind: expected ${group}/v1alpha1 BuildKitWorker, got ${group}/v1beta1 BuildKitWorker`,
    ],
    [
      { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } },
      `request.kind: expected ${group}/v1alpha1 BuildKitWorker, got apps/v1 Deployment`,
    ],
    [
      { resource: { group, version: 'v1alpha1', resource: 'buildkitpools' } },
      `request.resource: expected ${group}/v1alpha1 buildkitworkers, got ${group}/v1alpha1 buildkitpools`,
    ],
    [{ subResource: 'status' }, 'request.subResource: expected none, got status'],
    [{ operation: 'DELETE' }, 'request.operation: expected CREATE or UPDATE, got DELETE'],
    [{ namespace: '' }, 'request.namespace: expected the namespace of the worker, got none'],
  ])('refuses what is no write of a worker: %j', (changes, error) => {
    expect(toWorkerRequest(makeAdmissionRequest(changes))).toEqual({ ok: false, error });
  });

  it('takes any JSON as object', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (object, oldObject) => {
        expect(toWorkerRequest(makeAdmissionRequest({ object, oldObject })).ok).toBe(true);
      }),
    );
  });
});

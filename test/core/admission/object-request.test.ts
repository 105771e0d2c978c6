import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toObjectRequest } from '../../../core/admission/object-request.ts';
import { toWorkerRequest } from '../../../core/admission/worker-request.ts';
import { developer, makeAdmissionRequest, makeObjectRequest } from './reviews.ts';

const group = 'buildkit.smrt-devops.net';
const sentInOldVersion = { requestKind: { group, version: 'v1alpha1', kind: 'BuildKitWorker' } };
const sentUnconverted = { requestKind: { group, version: 'v1beta1', kind: 'BuildKitWorker' } };

const about = (kind: string, resource: string) => ({
  kind: { group, version: 'v1beta1', kind },
  resource: { group, version: 'v1beta1', resource },
});

describe('toObjectRequest', () => {
  it('reads who asks for what', () => {
    expect(toObjectRequest(makeAdmissionRequest())).toEqual({
      ok: true,
      value: {
        uid: 'review-1',
        kind: 'BuildKitWorker',
        operation: 'CREATE',
        namespace: 'tenant-a',
        name: 'worker-1',
        caller: developer,
        version: 'v1beta1',
        spec: { poolRef: { name: 'my-pool' } },
        oldSpec: undefined,
      },
    });
  });

  it.each([
    [{ name: '', object: { metadata: { name: 'a', generateName: 'b-' } } }, 'a'],
    [{ name: '', object: { metadata: { generateName: 'b-' } } }, 'b-'],
    [{ name: '', object: { metadata: { generateName: 7 } } }, ''],
    [{ name: '', object: null }, ''],
  ])('names an object without a name in the request: %j', (changes, name) => {
    expect(toObjectRequest(makeAdmissionRequest(changes))).toMatchObject({ ok: true, value: { name } });
  });

  it('knows what was sent in the other version', () => {
    expect(makeObjectRequest(sentInOldVersion).version).toBe('v1alpha1');
    expect(makeObjectRequest(sentUnconverted).version).toBe('v1beta1');
  });

  it.each([
    ['CREATE', about('BuildKitPool', 'buildkitpools')],
    ['UPDATE', about('BuildKitPool', 'buildkitpools')],
    ['DELETE', about('BuildKitPool', 'buildkitpools')],
    ['CREATE', about('BuildKitOIDCConfig', 'buildkitoidcconfigs')],
    ['UPDATE', about('BuildKitOIDCConfig', 'buildkitoidcconfigs')],
  ])('takes %s of %j', (operation, changes) => {
    expect(makeObjectRequest({ ...changes, operation })).toMatchObject({ kind: changes.kind.kind, operation });
  });

  it.each([
    [
      { kind: { group, version: 'v1alpha1', kind: 'BuildKitWorker' } },
      `request.kind: expected ${group}/v1beta1 BuildKitWorker, got ${group}/v1alpha1 BuildKitWorker`,
    ],
    [
      { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } },
      `request.kind: expected ${group}/v1beta1 BuildKitPool, BuildKitWorker or BuildKitOIDCConfig, got apps/v1 Deployment`,
    ],
    [
      { resource: { group, version: 'v1beta1', resource: 'buildkitpools' } },
      `request.resource: expected ${group}/v1beta1 buildkitworkers, got ${group}/v1beta1 buildkitpools`,
    ],
    [{ subResource: 'status' }, 'request.subResource: expected none, got status'],
    [{ operation: 'DELETE' }, 'request.operation: expected CREATE or UPDATE, got DELETE'],
    [
      { ...about('BuildKitPool', 'buildkitpools'), operation: 'CONNECT' },
      'request.operation: expected CREATE, UPDATE or DELETE, got CONNECT',
    ],
    [{ namespace: '' }, 'request.namespace: expected the namespace of the BuildKitWorker, got none'],
  ])('refuses what is no write of ours: %j', (changes, error) => {
    expect(toObjectRequest(makeAdmissionRequest(changes))).toEqual({ ok: false, error });
  });

  it('takes any JSON as object', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (object, oldObject) => {
        expect(toObjectRequest(makeAdmissionRequest({ object, oldObject })).ok).toBe(true);
      }),
    );
  });
});

describe('toWorkerRequest', () => {
  it('reads reference and stamp of both objects', () => {
    const oldObject = { spec: { poolRef: 'my-pool', requester: null } };
    expect(toWorkerRequest(makeObjectRequest({ oldObject }))).toMatchObject({
      worker: { poolRef: { name: 'my-pool' }, requester: undefined },
      oldWorker: { poolRef: undefined, requester: undefined },
    });
  });

  it('reads nothing that an object only inherits', () => {
    const object: unknown = JSON.parse('{"spec": {"__proto__": {"poolRef": {"name": "p"}}}}');
    expect(toWorkerRequest(makeObjectRequest({ object })).worker.poolRef).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import type { AdmissionAnswer } from '../../../api/http/admission-review.ts';
import { maxRequesterBytes } from '../../../api/limits/webhooks.ts';
import type { ReferencePorts } from '../../../core/admission/reference.ts';
import { validateWorker } from '../../../core/admission/validate-worker.ts';
import { developer, makeCreate, makeUpdate, makeWorker, makeWorkerRequest } from './reviews.ts';

const ownReference = { name: 'my-pool', namespace: 'tenant-a' };
const foreignReference = { name: 'shared-pool', namespace: 'buildkit-system' };

type Access = NonNullable<Awaited<ReturnType<ReferencePorts['getPool']>>>['spec']['access'];

/** A cluster with these pools, whose authorizer knows these rights; `calls` lists what it was asked. */
function makeCluster({ pools = [] as string[], rights = [] as string[], access = undefined as Access } = {}) {
  const calls: string[] = [];
  const ports: ReferencePorts = {
    reviewAccess: (user, { verb, namespace, name }) => {
      calls.push(`review ${user.username} ${verb} ${namespace}/${name}`);
      return Promise.resolve(rights.includes(`${user.username} ${verb} ${namespace}`));
    },
    getPool: ({ namespace, name }) => {
      calls.push(`get ${namespace}/${name}`);
      return Promise.resolve(pools.includes(`${namespace}/${name}`) ? { spec: { access } } : undefined);
    },
    getNamespaceLabels: (namespace) => {
      calls.push(`get namespace ${namespace}`);
      return Promise.resolve({ 'kubernetes.io/metadata.name': namespace, team: 'blue' });
    },
    isAttachCounted: true,
  };
  return { ports, calls };
}

const selectLabel = (key: string, value: string) => ({
  from: 'Selector' as const,
  selector: { matchLabels: { [key]: value } },
});

const denied = (status: object): AdmissionAnswer => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  response: { uid: 'review-1', allowed: false, status: status as never },
});
const details = (causes: object[]) => ({
  name: 'worker-1',
  group: 'buildkit.smrt-devops.net',
  kind: 'BuildKitWorker',
  causes,
});

const forbiddenReference = (reference: { namespace: string; name: string }) => {
  const message =
    `Forbidden: reference to BuildKitPool "${reference.namespace}/${reference.name}" is not permitted by any grant, ` +
    'and user "dev@tenant-a" cannot attach resource "buildkitpools" in API group "buildkit.smrt-devops.net" ' +
    `in the namespace "${reference.namespace}"`;
  const causes = [{ field: 'spec.poolRef', reason: 'FieldValueForbidden', message }];
  return denied({ code: 403, reason: 'Forbidden', message: `spec.poolRef: ${message}`, details: details(causes) });
};

const invalid = (...causes: { field: string; reason: string; message: string }[]) => {
  const lines = causes.map(({ field, message }) => `${field}: ${message}`);
  const list = lines.length === 1 ? lines.join() : `[${lines.join(', ')}]`;
  const message = `BuildKitWorker.buildkit.smrt-devops.net "worker-1" is invalid: ${list}`;
  return denied({ code: 422, reason: 'Invalid', message, details: details(causes) });
};

const notFound = (key: string) => ({
  field: 'spec.poolRef',
  reason: 'FieldValueNotFound',
  message: `Not found: "${key}"`,
});

describe('the reference of a new worker', () => {
  it('may name a pool of its own namespace, and asks nobody for a right', async () => {
    const { ports, calls } = makeCluster({ pools: ['tenant-a/my-pool'] });
    const answer = await validateWorker(makeCreate({ poolRef: ownReference, requester: developer }), ports);
    expect(answer.response).toEqual({ uid: 'review-1', allowed: true });
    expect(calls).toEqual(['get tenant-a/my-pool']);
  });

  it('may name a pool that its creator may attach to', async () => {
    const rights = ['dev@tenant-a attach buildkit-system'];
    const { ports, calls } = makeCluster({ pools: ['buildkit-system/shared-pool'], rights });
    const answer = await validateWorker(makeCreate({ poolRef: foreignReference, requester: developer }), ports);
    expect(answer.response).toEqual({ uid: 'review-1', allowed: true });
    expect(calls).toEqual([
      'get buildkit-system/shared-pool',
      'get namespace tenant-a',
      'review dev@tenant-a attach buildkit-system/shared-pool',
    ]);
  });

  it.each<[string, Access]>([
    ['all', { workers: { namespaces: { from: 'All' } } }],
    ['a label of its namespace', { workers: { namespaces: selectLabel('team', 'blue') } }],
    ['the name of its namespace', { workers: { namespaces: selectLabel('kubernetes.io/metadata.name', 'tenant-a') } }],
  ])('may name a pool whose owner grants it to %s, and asks for no right', async (_, access) => {
    const { ports, calls } = makeCluster({ pools: ['buildkit-system/shared-pool'], access });
    const answer = await validateWorker(makeCreate({ poolRef: foreignReference, requester: developer }), ports);
    expect(answer.response).toEqual({ uid: 'review-1', allowed: true });
    expect(calls).toEqual(['get buildkit-system/shared-pool', 'get namespace tenant-a']);
  });

  it.each<[string, Access]>([
    ['Same', { workers: { namespaces: { from: 'Same' } } }],
    ['None', { workers: { namespaces: { from: 'None' } } }],
    ['another label', { workers: { namespaces: selectLabel('team', 'red') } }],
    ['clients alone', { clients: { namespaces: { from: 'All' } } }],
  ])('is refused where the owner grants the pool to %s', async (_, access) => {
    const { ports } = makeCluster({ pools: ['buildkit-system/shared-pool'], access });
    const answer = await validateWorker(makeCreate({ poolRef: foreignReference, requester: developer }), ports);
    expect(answer).toEqual(forbiddenReference(foreignReference));
  });

  it('may name a pool of its own namespace that grants to none', async () => {
    const access: Access = { workers: { namespaces: { from: 'None' } } };
    const { ports } = makeCluster({ pools: ['tenant-a/my-pool'], access });
    const answer = await validateWorker(makeCreate({ poolRef: ownReference, requester: developer }), ports);
    expect(answer.response.allowed).toBe(true);
  });

  it('is not granted from a namespace that is not there', async () => {
    const access: Access = { workers: { namespaces: { from: 'All' } } };
    const { ports } = makeCluster({ pools: ['buildkit-system/shared-pool'], access });
    const gone = { ...ports, getNamespaceLabels: () => Promise.resolve(undefined) };
    const answer = await validateWorker(makeCreate({ poolRef: foreignReference, requester: developer }), gone);
    expect(answer).toEqual(forbiddenReference(foreignReference));
  });

  it('counts no right where rights are not counted, and says so', async () => {
    const rights = ['dev@tenant-a attach buildkit-system'];
    const { ports, calls } = makeCluster({ pools: ['buildkit-system/shared-pool'], rights });
    const request = makeCreate({ poolRef: foreignReference, requester: developer });
    const answer = await validateWorker(request, { ...ports, isAttachCounted: false });
    const message = 'Forbidden: reference to BuildKitPool "buildkit-system/shared-pool" is not permitted by any grant';
    expect(answer.response.status?.message).toBe(`spec.poolRef: ${message}`);
    expect(calls).toEqual(['get buildkit-system/shared-pool', 'get namespace tenant-a']);
  });

  it('asks for the right of the whole creator', async () => {
    const asked: unknown[] = [];
    const { ports } = makeCluster();
    await validateWorker(makeCreate({ poolRef: foreignReference, requester: developer }), {
      ...ports,
      reviewAccess: (...args) => Promise.resolve(asked.push(args) === 0),
    });
    expect(asked).toEqual([[developer, { verb: 'attach', namespace: 'buildkit-system', name: 'shared-pool' }]]);
  });

  it.each([
    ['there is no right', ['buildkit-system/shared-pool'], foreignReference],
    ['there is no pool', ['buildkit-system/other'], foreignReference],
    ['there is no namespace', ['buildkit-system/shared-pool'], { name: 'shared-pool', namespace: 'nowhere' }],
  ])('is refused in the same words, after the same three calls, where %s', async (_, pools, poolRef) => {
    const { ports, calls } = makeCluster({ pools });
    const answer = await validateWorker(makeCreate({ poolRef, requester: developer }), ports);
    expect(answer).toEqual(forbiddenReference(poolRef));
    expect(calls).toEqual([
      `get ${poolRef.namespace}/shared-pool`,
      'get namespace tenant-a',
      `review dev@tenant-a attach ${poolRef.namespace}/shared-pool`,
    ]);
  });

  it('is not found where it is permitted and absent', async () => {
    const own = makeCluster();
    const request = makeCreate({ poolRef: ownReference, requester: developer });
    expect(await validateWorker(request, own.ports)).toEqual(invalid(notFound('tenant-a/my-pool')));
    const foreign = makeCluster({ rights: ['dev@tenant-a attach buildkit-system'] });
    expect(
      await validateWorker(makeCreate({ poolRef: foreignReference, requester: developer }), foreign.ports),
    ).toEqual(invalid(notFound('buildkit-system/shared-pool')));
  });

  it('treats a controller like any other user', async () => {
    const username = 'system:serviceaccount:flux-system:kustomize-controller';
    const rights = [`${username} attach buildkit-system`];
    const { ports } = makeCluster({ pools: ['buildkit-system/shared-pool'], rights });
    const request = makeWorkerRequest({
      userInfo: { username },
      object: makeWorker({ poolRef: foreignReference, requester: { username } }),
    });
    expect((await validateWorker(request, ports)).response.allowed).toBe(true);
  });

  it('is left undecided where the authorizer fails', async () => {
    const { ports } = makeCluster();
    const failing = { ...ports, reviewAccess: () => Promise.reject(new Error('etcd is away')) };
    const request = makeCreate({ poolRef: foreignReference, requester: developer });
    await expect(validateWorker(request, failing)).rejects.toThrow('etcd is away');
  });
});

describe('the stamp of a new worker', () => {
  const pools = ['tenant-a/my-pool'];
  const missing = {
    field: 'spec.requester',
    reason: 'FieldValueRequired',
    message: 'Required value: is written by admission',
  };
  const other = {
    field: 'spec.requester',
    reason: 'FieldValueForbidden',
    message: 'Forbidden: must be the user who sends the request',
  };

  it('is required', async () => {
    const { ports } = makeCluster({ pools });
    expect(await validateWorker(makeCreate({ poolRef: ownReference }), ports)).toEqual(invalid(missing));
  });

  it.each([
    ['of another user', { ...developer, username: 'admin' }],
    ['with another uid', { ...developer, uid: '43' }],
    ['without groups', { username: developer.username, uid: developer.uid, extra: developer.extra }],
    ['with a group more', { ...developer, groups: [...(developer.groups ?? []), 'system:masters'] }],
    ['without extra', { username: developer.username, uid: developer.uid, groups: developer.groups }],
    [
      'with facts about the token',
      { ...developer, extra: { team: ['blue'], 'authentication.kubernetes.io/x': ['y'] } },
    ],
  ])('%s is refused', async (_, requester) => {
    const { ports } = makeCluster({ pools });
    expect(await validateWorker(makeCreate({ poolRef: ownReference, requester }), ports)).toEqual(invalid(other));
  });

  it.each([
    ['take too much', ['g'.repeat(maxRequesterBytes)]],
    ['are too many', Array.from({ length: 513 }, (_, index) => `group-${index}`)],
    ['have names that are too long', ['g'.repeat(1_025)]],
  ])('is cut to the name where the groups %s, which the own namespace does not need', async (_name, groups) => {
    const userInfo = { username: 'dev', uid: '42', groups };
    const { ports } = makeCluster({ pools });
    const object = makeWorker({ poolRef: ownReference, requester: { username: 'dev', uid: '42' } });
    expect((await validateWorker(makeWorkerRequest({ userInfo, object }), ports)).response.allowed).toBe(true);
  });

  it('that is cut says so where a right is missing in another namespace', async () => {
    const userInfo = { username: 'dev', groups: ['g'.repeat(maxRequesterBytes)] };
    const object = makeWorker({ poolRef: foreignReference, requester: { username: 'dev' } });
    const { response } = await validateWorker(makeWorkerRequest({ userInfo, object }), makeCluster().ports);
    expect(response.status?.message).toMatch(/by name alone: the groups take more than 16384 bytes$/);
  });

  it('is refused without a review when it is not the caller', async () => {
    const { ports, calls } = makeCluster({ rights: ['admin attach buildkit-system'] });
    const request = makeCreate({ poolRef: foreignReference, requester: { username: 'admin' } });
    expect(await validateWorker(request, ports)).toEqual(invalid(other));
    expect(calls).toEqual([]);
  });

  it('is reported together with all else that is wrong', async () => {
    const { ports } = makeCluster();
    expect(await validateWorker(makeCreate({ poolRef: { name: 'my-pool' } }), ports)).toEqual(
      invalid(
        missing,
        {
          field: 'spec.poolRef.namespace',
          reason: 'FieldValueRequired',
          message: 'Required value: is written by admission',
        },
        notFound('tenant-a/my-pool'),
      ),
    );
  });
});

describe('a changed worker', () => {
  const spec = { poolRef: foreignReference, requester: developer };
  const immutable = (field: string) => ({
    field,
    reason: 'FieldValueForbidden',
    message: 'Forbidden: field is immutable',
  });

  it('asks nobody while reference and stamp stay', async () => {
    const { ports, calls } = makeCluster();
    const answer = await validateWorker(makeUpdate(spec, { ...spec, allocation: { jobId: 'job-1' } }), ports);
    expect(answer.response).toEqual({ uid: 'review-1', allowed: true });
    expect(calls).toEqual([]);
  });

  it('may be changed by another user than its creator', async () => {
    const { ports } = makeCluster();
    const request = { ...makeUpdate(spec, spec), caller: { username: 'admin' } };
    expect((await validateWorker(request, ports)).response.allowed).toBe(true);
  });

  it('may stay as it is where it is older than the stamp', async () => {
    const { ports } = makeCluster();
    const old = { poolRef: { name: 'my-pool' } };
    const answer = await validateWorker(makeUpdate(old, { ...old, allocation: {} }), ports);
    expect(answer.response.allowed).toBe(true);
    const written = await validateWorker(makeUpdate(old, { poolRef: ownReference }), ports);
    expect(written.response.allowed).toBe(true);
  });

  it.each([
    ['another pool', { ...spec, poolRef: { ...foreignReference, name: 'other' } }, ['spec.poolRef']],
    ['another namespace', { ...spec, poolRef: { name: 'shared-pool' } }, ['spec.poolRef']],
    ['no reference', { requester: developer }, ['spec.poolRef']],
    ['another stamp', { ...spec, requester: { username: 'admin' } }, ['spec.requester']],
    ['no stamp', { poolRef: foreignReference }, ['spec.requester']],
    ['neither', {}, ['spec.poolRef', 'spec.requester']],
  ])('never gets %s', async (_, changed, fields) => {
    const { ports, calls } = makeCluster({ rights: ['dev@tenant-a attach buildkit-system'] });
    expect(await validateWorker(makeUpdate(spec, changed), ports)).toEqual(invalid(...fields.map(immutable)));
    expect(calls).toEqual([]);
  });

  it('never gets a stamp later', async () => {
    const { ports } = makeCluster();
    const answer = await validateWorker(makeUpdate({ poolRef: foreignReference }, spec), ports);
    expect(answer).toEqual(invalid(immutable('spec.requester')));
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultWorker } from '../../../core/admission/default-worker.ts';
import { developer, makeCreate, makeUpdate, makeWorker, makeWorkerRequest, patchOf } from './reviews.ts';

const stamp = { op: 'add', path: '/spec/requester', value: developer };
const namespace = (value: string) => ({ op: 'add', path: '/spec/poolRef/namespace', value });
const stampedSpec = { poolRef: { name: 'my-pool', namespace: 'tenant-a' }, requester: developer };

interface Spec {
  poolRef: Record<string, unknown>;
  requester?: unknown;
}

/** The two paths that admission writes. */
function apply(spec: Spec, patch: unknown[]): Spec {
  const result = structuredClone(spec);
  for (const { path, value } of patch as { path: string; value: unknown }[]) {
    if (path === '/spec/requester') result.requester = value;
    else if (path === '/spec/poolRef/namespace') result.poolRef['namespace'] = value;
    else throw new TypeError(`unexpected path ${path}`);
  }
  return result;
}

describe('on create', () => {
  it('writes out the namespace and stamps who asks', () => {
    const answer = defaultWorker(makeCreate({ poolRef: { name: 'my-pool' } }));
    expect(answer).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: {
        uid: 'review-1',
        allowed: true,
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify([namespace('tenant-a'), stamp])).toString('base64'),
      },
    });
  });

  it('leaves a written namespace alone', () => {
    expect(patchOf(defaultWorker(makeCreate({ poolRef: { name: 'p', namespace: 'other' } })))).toEqual([stamp]);
  });

  it('takes null for absent', () => {
    const answer = defaultWorker(makeCreate({ poolRef: { name: 'p', namespace: null }, requester: null }));
    expect(patchOf(answer)).toEqual([namespace('tenant-a'), stamp]);
    expect(answer.response.warnings).toBeUndefined();
  });

  it.each([
    ['another user', { username: 'admin' }],
    ['the same user without groups', { username: developer.username }],
    ['the same user with an empty list more', { ...developer, extra: { ...developer.extra, none: [] } }],
    ['something else', 'admin'],
  ])('replaces a stamp of %s, and warns', (_, requester) => {
    const answer = defaultWorker(makeCreate({ ...stampedSpec, requester }));
    expect(patchOf(answer)).toEqual([stamp]);
    expect(answer.response.warnings).toEqual(['spec.requester: is written by admission, the value given was replaced']);
  });

  it('patches nothing where namespace and stamp are present', () => {
    expect(defaultWorker(makeCreate(stampedSpec)).response).toEqual({ uid: 'review-1', allowed: true });
  });
});

describe('on update', () => {
  it('restores what a replace has stripped', () => {
    expect(patchOf(defaultWorker(makeUpdate(stampedSpec, { poolRef: { name: 'my-pool' } })))).toEqual([
      namespace('tenant-a'),
      stamp,
    ]);
  });

  it('never changes what is present', () => {
    const changed = { poolRef: { name: 'q', namespace: 'other' }, requester: { username: 'admin' } };
    expect(patchOf(defaultWorker(makeUpdate(stampedSpec, changed)))).toEqual([]);
  });

  it('stamps nothing that was never stamped', () => {
    const old = { poolRef: { name: 'my-pool' } };
    expect(patchOf(defaultWorker(makeUpdate(old, { ...old, allocation: {} })))).toEqual([]);
  });
});

describe('any object', () => {
  it.each([undefined, null, 'spec', 7, [], {}, { poolRef: null }, { poolRef: 'p' }, { poolRef: ['p'] }])(
    'is left to the schema where it has no reference: spec %j',
    (spec) => {
      expect(patchOf(defaultWorker(makeCreate(spec)))).toEqual([]);
      expect(patchOf(defaultWorker(makeUpdate(stampedSpec, spec)))).toEqual([]);
    },
  );

  it('never throws, whatever the object holds', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('CREATE', 'UPDATE'),
        fc.jsonValue(),
        fc.jsonValue(),
        (operation, object, oldObject) => {
          expect(defaultWorker(makeWorkerRequest({ operation, object, oldObject })).response.allowed).toBe(true);
        },
      ),
    );
  });

  it('needs no second patch', () => {
    const spec = fc.record({ poolRef: fc.dictionary(fc.string(), fc.jsonValue()), requester: fc.jsonValue() });
    fc.assert(
      fc.property(fc.constantFrom('CREATE', 'UPDATE'), spec, spec, (operation, first, oldSpec) => {
        const review = (spec: unknown) =>
          defaultWorker(makeWorkerRequest({ operation, object: makeWorker(spec), oldObject: makeWorker(oldSpec) }));
        const patched = apply(first, patchOf(review(first)));
        expect(patchOf(review(patched))).toEqual([]);
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxReviewAgeMs, resyncPeriodMs } from '../../../api/limits/status.ts';
import { workerPhase, type WorkerPhase } from '../../../api/status.ts';
import type { Worker } from '../../../api/v1beta1/worker.ts';
import { namespacesToRead, type Observed } from '../../../core/lifecycle/observed.ts';
import { plan } from '../../../core/lifecycle/plan.ts';
import { reviewKey, type Reviews } from '../../../core/lifecycle/reviews.ts';
import { dev, grant, key, makeObserved, makePool, makeWorker, now, selectorGrant } from './observed.ts';

const none: Reviews = new Map();
const finalizer = 'buildkit.smrt-devops.net/pool-protection';
const open = makePool(grant('All'), { finalizers: [finalizer] });
const leaving = makePool(grant('All'), { finalizers: ['other', finalizer], deletionTimestamp: '2026-01-02T00:00:00Z' });

const granted = {
  type: 'ResolvedRefs',
  status: 'True',
  reason: 'Granted',
  message: 'the pool lets workers of this namespace in',
  lastTransitionTime: '2026-01-02T03:04:05Z',
  observedGeneration: 1,
} as const;

/** The state after the plan is carried out. */
function carryOut(observed: Observed, reviews: Reviews = none, at = now): Observed {
  const { workers, finalizers } = plan(observed, reviews, at);
  const written = new Map<Worker, Worker>(workers.map(({ worker, status }) => [worker, { ...worker, status }]));
  const pool =
    observed.pool === undefined || finalizers === undefined
      ? observed.pool
      : { ...observed.pool, metadata: { ...observed.pool.metadata, finalizers } };
  return { ...observed, pool, workers: observed.workers.map((worker) => written.get(worker) ?? worker) };
}

describe('a worker', () => {
  test('gets the UID of its pool in its status, and keeps its other fields', () => {
    const theirs = { type: 'Other', status: 'True', reason: 'Yes', message: '', lastTransitionTime: 'then' } as const;
    const worker = makeWorker({ status: { phase: 'Idle', podName: 'p', conditions: [theirs] } });
    expect(plan(makeObserved({ pool: open, workers: [worker] }), none, now)).toEqual({
      reviews: [],
      workers: [
        {
          worker,
          status: { phase: 'Idle', podName: 'p', poolUID: 'uid-of-shared-pool', conditions: [theirs, granted] },
        },
      ],
      finalizers: undefined,
      nextDueAt: undefined,
    });
  });

  test('gets no UID of a pool that it must not learn about', () => {
    const reviews = new Map([[reviewKey(dev), { isAllowed: false, reviewedAt: now }]]);
    expect(plan(makeObserved(), reviews, now).workers[0]?.status.poolUID).toBeUndefined();
  });

  test('stays pinned to the pool that it was admitted to', () => {
    const worker = makeWorker({ status: { poolUID: 'earlier' } });
    expect(carryOut(makeObserved({ pool: open, workers: [worker] })).workers[0]?.status?.poolUID).toBe('earlier');
  });

  test('of another pool, or being deleted, is left alone', () => {
    const workers = [
      makeWorker({ poolRef: { name: key.name } }),
      makeWorker({ more: { deletionTimestamp: '2026-01-02T00:00:00Z' } }),
    ];
    expect(plan(makeObserved({ pool: open, workers }), none, now).workers).toEqual([]);
  });

  test('waits for the review of whoever created it, which is one for all their workers', () => {
    const workers = [makeWorker({ name: 'a' }), makeWorker({ name: 'b' }), makeWorker({ requester: null })];
    const planned = plan(makeObserved({ workers }), none, now);
    expect(planned.reviews).toEqual([dev]);
    expect(planned.workers.map(({ worker }) => worker)).toEqual([workers[2]]);
  });

  test('has a transition time that changes with the status only', () => {
    const first = carryOut(makeObserved({ pool: open }));
    const closed = { ...first, pool: makePool(), workers: first.workers };
    const reviews = new Map([[reviewKey(dev), { isAllowed: true, reviewedAt: new Date('2026-02-02T00:00:00Z') }]]);
    const authorized = carryOut(closed, reviews, new Date('2026-02-02T00:00:01Z'));
    expect(authorized.workers[0]?.status?.conditions?.[0]).toMatchObject({
      reason: 'Authorized',
      lastTransitionTime: '2026-01-02T03:04:05Z',
    });
    const revoked = new Map([[reviewKey(dev), { isAllowed: false, reviewedAt: new Date('2026-02-03T00:00:00Z') }]]);
    expect(
      carryOut(authorized, revoked, new Date('2026-02-03T00:00:01Z')).workers[0]?.status?.conditions?.[0],
    ).toMatchObject({ reason: 'RefNotPermitted', lastTransitionTime: '2026-02-03T00:00:01Z' });
  });
});

test('the next look is due when the first of the reviews is', () => {
  const other = { username: 'other' };
  const reviewedAt = (ms: number) => ({ isAllowed: true, reviewedAt: new Date(now.getTime() + ms) });
  const reviews = new Map([
    [reviewKey(dev), reviewedAt(-1)],
    [reviewKey(other), reviewedAt(-2)],
  ]);
  const workers = [makeWorker(), makeWorker({ requester: other }), makeWorker({ namespace: key.namespace })];
  const { nextDueAt } = plan(makeObserved({ workers }), reviews, now);
  expect(nextDueAt).toEqual(new Date(now.getTime() - 2 + maxReviewAgeMs - resyncPeriodMs));
});

describe('a pool', () => {
  const finalizersOf = (observed: Partial<Observed>) => plan(makeObserved(observed), none, now).finalizers;

  test('gets our finalizer beside those it has', () => {
    expect(finalizersOf({ pool: makePool({}, { finalizers: ['other'] }) })).toEqual(['other', finalizer]);
    expect(finalizersOf({ pool: open })).toBeUndefined();
    expect(finalizersOf({ pool: undefined })).toBeUndefined();
  });

  test('that is being deleted gets none that it did not have', () => {
    const bare = makePool({}, { deletionTimestamp: '2026-01-02T00:00:00Z', finalizers: ['other'] });
    const busy = makeWorker({ namespace: key.namespace, status: { phase: 'Allocated' } });
    expect(finalizersOf({ pool: bare })).toBeUndefined();
    expect(finalizersOf({ pool: bare, workers: [busy] })).toBeUndefined();
  });

  test('that is being deleted goes when no worker is in use', () => {
    expect(finalizersOf({ pool: leaving, workers: [makeWorker({ status: { phase: 'Idle' } })] })).toEqual(['other']);
    expect(finalizersOf({ pool: leaving, workers: [makeWorker({ status: { phase: 'Allocated' } })] })).toBeUndefined();
  });

  test('is not held by the workers of another, nor by one that is being deleted', () => {
    const allocated = { phase: 'Allocated' } as const;
    const workers = [
      makeWorker({ poolRef: { name: key.name }, status: allocated }),
      makeWorker({ status: allocated, more: { deletionTimestamp: '2026-01-02T00:00:00Z' } }),
    ];
    expect(finalizersOf({ pool: leaving, workers })).toEqual(['other']);
  });

  const phaseAfter = (pool: Observed['pool'], phase: WorkerPhase | undefined) => {
    const worker = makeWorker(phase === undefined ? {} : { status: { phase } });
    return carryOut(makeObserved({ pool, workers: [worker] })).workers[0]?.status?.phase;
  };

  test.each([...workerPhase.options, undefined])('takes a worker that is %s out of use when it is deleted', (phase) => {
    expect(phaseAfter(leaving, phase)).toBe(phase === 'Allocated' ? 'Allocated' : 'Terminating');
  });

  test('takes back a worker that the deletion of an earlier one left', () => {
    expect(phaseAfter(open, 'Terminating')).toBe('Pending');
    expect(phaseAfter(open, 'Idle')).toBe('Idle');
    expect(phaseAfter(open, undefined)).toBeUndefined();
  });
});

test('reads the labels of guests, and only where the grant is a selector', () => {
  const workers = [makeWorker(), makeWorker({ name: 'b' }), makeWorker({ namespace: key.namespace })];
  const read = (pool: Observed['pool']) => namespacesToRead({ key, pool, workers });
  expect(read(makePool(selectorGrant({ a: 'b' })))).toEqual(['tenant-a']);
  expect(read(open)).toEqual([]);
  expect(read(undefined)).toEqual([]);
});

const anyWorker = fc
  .record({
    namespace: fc.constantFrom(key.namespace, 'tenant-a', 'tenant-b'),
    requester: fc.constantFrom(dev, { username: 'other' }, null),
    phase: fc.option(fc.constantFrom(...workerPhase.options), { nil: undefined }),
    poolUID: fc.constantFrom(undefined, 'uid-of-shared-pool', 'earlier'),
    isDeleted: fc.boolean(),
  })
  .map(({ phase, poolUID, isDeleted, ...fields }) =>
    makeWorker({
      ...fields,
      status: { ...(phase === undefined ? {} : { phase }), ...(poolUID === undefined ? {} : { poolUID }) },
      more: isDeleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {},
    }),
  );
const anyObserved = fc.record({
  key: fc.constant(key),
  pool: fc.constantFrom(undefined, makePool(), open, leaving, makePool(selectorGrant({ team: 'a' }))),
  workers: fc.array(anyWorker, { maxLength: 12 }),
  labels: fc.constantFrom(new Map(), new Map([['tenant-a', { team: 'a' }]])),
});
const anyReviews = fc.record({ dev: fc.boolean(), other: fc.boolean() }).map(
  ({ dev: mayDev, other }): Reviews =>
    new Map([
      [reviewKey(dev), { isAllowed: mayDev, reviewedAt: now }],
      [reviewKey({ username: 'other' }), { isAllowed: other, reviewedAt: now }],
    ]),
);

test('has nothing left to do once its plan is carried out, until a review is due', () => {
  const later = fc.integer({ min: 0, max: maxReviewAgeMs - resyncPeriodMs - 1 });
  fc.assert(
    fc.property(anyObserved, anyReviews, later, (observed, reviews, ms) => {
      const after = carryOut(observed, reviews);
      const again = plan(after, reviews, new Date(now.getTime() + ms));
      expect({ ...again, nextDueAt: undefined }).toEqual({
        reviews: [],
        workers: [],
        finalizers: undefined,
        nextDueAt: undefined,
      });
    }),
  );
});

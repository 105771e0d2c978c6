import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxReviewAgeMs, resyncPeriodMs } from '../../../api/limits/status.ts';
import { judgeReference, type Reference } from '../../../core/lifecycle/reference.ts';
import { reviewKey } from '../../../core/lifecycle/reviews.ts';
import { dev, grant, key, makePool, makeWorker, now, selectorGrant } from './observed.ts';

const reviewed = (isAllowed: boolean, reviewedAt = now, user: object = dev) =>
  new Map([[reviewKey(user as typeof dev), { isAllowed, reviewedAt }]]);
const make = (fields: Partial<Reference> = {}): Reference => ({
  worker: makeWorker(),
  key,
  pool: makePool(),
  labels: {},
  reviews: reviewed(false),
  ...fields,
});

function verdictOf(fields: Partial<Reference>) {
  const judgement = judgeReference(make(fields), now);
  return judgement.outcome === 'judged' ? judgement.verdict : judgement;
}

const own = makeWorker({ namespace: key.namespace });
const later = '2026-01-01T00:00:01Z';

describe('a reference', () => {
  test.each([
    ['within the namespace', { worker: own }, 'SameNamespace'],
    ['within the namespace, though None is let in', { worker: own, pool: makePool(grant('None')) }, 'SameNamespace'],
    [
      'within the namespace, from before admission',
      { worker: makeWorker({ namespace: key.namespace, requester: null, poolRef: { name: key.name } }) },
      'SameNamespace',
    ],
    ['to a pool open to all', { pool: makePool(grant('All')) }, 'Granted'],
    ['to a pool open to its labels', { pool: makePool(selectorGrant({ a: 'b' })), labels: { a: 'b' } }, 'Granted'],
    [
      'from before admission, to a pool open to all',
      { worker: makeWorker({ requester: null }), pool: makePool(grant('All')) },
      'Granted',
    ],
    ['of somebody who may attach', { reviews: reviewed(true) }, 'Authorized'],
    [
      'to a pool made anew that is open to all',
      { worker: makeWorker({ status: { poolUID: 'earlier' } }), pool: makePool(grant('All')) },
      'Granted',
    ],
    [
      'that was admitted to this very pool',
      { worker: makeWorker({ status: { poolUID: 'uid-of-shared-pool' } }), reviews: reviewed(true) },
      'Authorized',
    ],
  ] as const)('%s holds', (_, fields, reason) => {
    expect(verdictOf(fields)).toMatchObject({ type: 'ResolvedRefs', status: 'True', reason });
  });

  const cannot =
    'reference to BuildKitPool "buildkit-system/shared-pool" is not permitted by any grant, and user "dev@tenant-a" ' +
    'cannot attach resource "buildkitpools" in API group "buildkit.smrt-devops.net" in the namespace "buildkit-system"';
  const unknown =
    'reference to BuildKitPool "buildkit-system/shared-pool" is not permitted by any grant, and it is not known who ' +
    'created the worker';
  const absent = 'BuildKitPool "buildkit-system/shared-pool" does not exist';
  const anew =
    'BuildKitPool "buildkit-system/shared-pool" was made anew since the worker was admitted: create the worker again';

  test.each([
    ['of somebody who may not attach', {}, 'RefNotPermitted', cannot],
    ['to a pool open to other labels', { pool: makePool(selectorGrant({ a: 'b' })) }, 'RefNotPermitted', cannot],
    ['to no pool, of somebody who may not attach', { pool: undefined }, 'RefNotPermitted', cannot],
    ['from before admission', { worker: makeWorker({ requester: null }) }, 'RefNotPermitted', unknown],
    [
      'of somebody who may attach, where that lets nobody in',
      { reviews: undefined },
      'RefNotPermitted',
      'reference to BuildKitPool "buildkit-system/shared-pool" is not permitted by any grant',
    ],
    ['to no pool within the namespace', { worker: own, pool: undefined }, 'PoolNotFound', absent],
    ['to no pool, of somebody who may attach', { pool: undefined, reviews: reviewed(true) }, 'PoolNotFound', absent],
    [
      'to a pool made anew, of somebody who may attach',
      { worker: makeWorker({ status: { poolUID: 'earlier' } }), reviews: reviewed(true) },
      'PoolRecreated',
      anew,
    ],
    [
      'to a pool younger than itself that nobody saw before, of somebody who may attach',
      { pool: makePool({}, { creationTimestamp: later }), reviews: reviewed(true) },
      'PoolRecreated',
      anew,
    ],
  ] as const)('%s does not', (_, fields, reason, message) => {
    expect(verdictOf(fields)).toEqual({ type: 'ResolvedRefs', status: 'False', reason, message });
  });
});

describe('a review', () => {
  const dueAfterMs = maxReviewAgeMs - resyncPeriodMs;
  const at = (ms: number) => new Date(now.getTime() + ms);

  test('is needed where a reference rests on nothing else and none is known', () => {
    expect(verdictOf({ reviews: new Map() })).toEqual({ outcome: 'review needed', requester: dev });
    expect(verdictOf({ reviews: reviewed(true, now, { username: dev.username }) })).toMatchObject({
      outcome: 'review needed',
    });
  });

  test('is not needed where another rule decides', () => {
    const reviews = new Map();
    expect(verdictOf({ worker: own, reviews })).toMatchObject({ reason: 'SameNamespace' });
    expect(verdictOf({ pool: makePool(grant('All')), reviews })).toMatchObject({ reason: 'Granted' });
  });

  test.each([true, false])('is renewed in time for the next resync (%s)', (isAllowed) => {
    const reference = make({ reviews: reviewed(isAllowed) });
    expect(judgeReference(reference, at(dueAfterMs - 1))).toMatchObject({ nextDueAt: at(dueAfterMs) });
    expect(judgeReference(reference, at(dueAfterMs))).toEqual({ outcome: 'review needed', requester: dev });
  });

  test('asks about the user without what belongs to one token', () => {
    const extra = { 'authentication.kubernetes.io/pod-name': ['p'], scopes: ['a'] };
    expect(verdictOf({ worker: makeWorker({ requester: { ...dev, extra } }), reviews: new Map() })).toEqual({
      outcome: 'review needed',
      requester: { ...dev, extra: { scopes: ['a'] } },
    });
  });
});

test('gives a reference that no rule permits the same answer whether the pool exists, is new or is old', () => {
  const pools = [
    undefined,
    makePool(),
    makePool(grant('None')),
    makePool({}, { uid: 'new', creationTimestamp: later }),
  ];
  const statuses = [undefined, { poolUID: 'earlier' }, { poolUID: 'uid-of-shared-pool' }];
  fc.assert(
    fc.property(fc.constantFrom(...pools), fc.constantFrom(...statuses), fc.boolean(), (pool, status, isStamped) => {
      const worker = makeWorker({ ...(status === undefined ? {} : { status }), requester: isStamped ? dev : null });
      const withoutPool = verdictOf({ pool: undefined, worker: makeWorker({ requester: isStamped ? dev : null }) });
      expect(verdictOf({ pool, worker })).toEqual(withoutPool);
    }),
  );
});

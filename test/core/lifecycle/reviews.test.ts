import { expect, test } from 'vitest';
import type { Condition } from '../../../api/fields.ts';
import { recall, reviewKey } from '../../../core/lifecycle/reviews.ts';
import { dev, key, makeWorker, now } from './observed.ts';

const earlier = new Map([[reviewKey(dev), { isAllowed: true, reviewedAt: now }]]);
const recalled = (...workers: ReturnType<typeof makeWorker>[]) => [...recall({ key, workers }, earlier).keys()];

const standing = (status: Condition['status'], reason: string, fields: Parameters<typeof makeWorker>[0] = {}) =>
  makeWorker({
    ...fields,
    status: { conditions: [{ type: 'ResolvedRefs', status, reason, message: '', lastTransitionTime: 'then' }] },
  });
const authorized = standing('True', 'Authorized');

test('a review counts while all workers of the user stand as authorized', () => {
  expect(recalled(authorized, authorized)).toEqual([reviewKey(dev)]);
});

test.each([
  ['somebody else found otherwise', standing('False', 'RefNotPermitted')],
  ['a worker is new', makeWorker()],
  ['another rule decided till now', standing('True', 'Granted')],
])('a review does not count where %s', (_, worker) => {
  expect(recalled(authorized, worker)).toEqual([]);
});

test('does not count a review that denies, since the condition says that the user was allowed', () => {
  const no = new Map([[reviewKey(dev), { isAllowed: false, reviewedAt: now }]]);
  expect(recall({ key, workers: [authorized] }, no).size).toBe(0);
});

test('a review is forgotten with the last worker of the user', () => {
  const others = standing('True', 'Authorized', { requester: { username: 'other' } });
  const deleted = standing('True', 'Authorized', { more: { deletionTimestamp: '2026-01-02T00:00:00Z' } });
  expect(recalled()).toEqual([]);
  expect(recalled(others, deleted, makeWorker({ requester: null }))).toEqual([]);
});

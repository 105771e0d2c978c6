import type { PoolStatus } from '../../../api/status.ts';
import { expect, test } from 'vitest';
import { createRecomputeCache, type Wanted } from '../../../core/status/recompute-cache.ts';
import { createRecompute } from '../../../functions/status/recompute.ts';
import { makeObserved, makePool, makeWorker } from '../../core/status/observed.ts';

const key = { namespace: 'buildkit-system', name: 'shared-pool' };
const now = () => new Date('2026-01-02T03:04:05Z');

/** A pool in memory. `answers` are what the first writes get; a write that is not listed succeeds. */
function createStore(answers: readonly ('stale' | 'gone')[] = []) {
  const written: PoolStatus[] = [];
  const cache = createRecomputeCache();
  const wanted: Wanted[] = [];
  let attempts = 0;
  const recompute = createRecompute({
    gather: (_, want) => {
      wanted.push(want);
      const status = written.at(-1);
      return Promise.resolve(
        makeObserved({ workers: [makeWorker('Idle')], pool: makePool(status === undefined ? {} : { status }) }),
      );
    },
    apply: (_, status) => {
      const answer = answers[attempts];
      attempts += 1;
      if (answer !== undefined) return Promise.resolve(answer);
      written.push(status);
      return Promise.resolve({ written: '9' });
    },
    cache,
    now,
  });
  return { recompute, written, wanted, cache, countAttempts: () => attempts };
}

test('writes once, and not again while nothing changes', async () => {
  const { recompute, written } = createStore();
  await recompute(key);
  await recompute(key);
  expect(written.map(({ phase }) => phase)).toEqual(['Running']);
});

test('reads again when somebody else wrote the pool meanwhile', async () => {
  const { recompute, written, countAttempts } = createStore(['stale', 'stale', 'stale']);
  await recompute(key);
  expect([written.length, countAttempts()]).toEqual([1, 4]);
});

test('gives up when every attempt is too late', async () => {
  const { recompute, countAttempts } = createStore(['stale', 'stale', 'stale', 'stale', 'stale']);
  await expect(recompute(key)).rejects.toThrow('the pool changed during each of 4 attempts');
  expect(countAttempts()).toBe(4);
});

test('has nothing to do for a pool that is gone', async () => {
  const { recompute, countAttempts } = createStore(['gone']);
  await recompute(key);
  expect(countAttempts()).toBe(1);
  const nowhere = createRecompute({
    gather: () => Promise.resolve(undefined),
    apply: () => Promise.reject(new Error('nothing to write')),
    cache: createRecomputeCache(),
    now,
  });
  await nowhere(key);
});

const isCovered = { kind: 'pool', namespace: key.namespace, version: 1 } as const;

test('caches what it read when the status is true, and nothing when the write failed', async () => {
  const failing = createStore(['stale', 'stale', 'stale', 'stale']);
  await expect(failing.recompute(key)).rejects.toThrow();
  expect(failing.cache.isCovered(key, isCovered)).toBe(false);
  await failing.recompute(key);
  expect(failing.cache.isCovered(key, isCovered)).toBe(true);
});

test('forgets a pool that is gone', async () => {
  const { recompute, cache } = createStore([]);
  await recompute(key);
  cache.remember(makeObserved(), { written: undefined, readAt: 0 });
  const gone = createRecompute({
    gather: () => Promise.resolve(undefined),
    apply: () => Promise.reject(new Error('nothing to write')),
    cache,
    now,
  });
  await gone(key);
  expect(cache.isCovered(key, isCovered)).toBe(false);
});

test('asks for a list that is recent enough to contain the workers of its events', async () => {
  const { recompute, wanted } = createStore();
  const worker = (version: number | undefined) => ({ kind: 'worker', namespace: 'tenant-a', version }) as const;
  await recompute(key, [worker(7), worker(9), { ...isCovered, version: 12 }]);
  await recompute(key, [worker(7), worker(undefined)]);
  await recompute(key);
  expect(wanted.map(({ atLeast }) => atLeast)).toEqual([9, Infinity, 0]);
});

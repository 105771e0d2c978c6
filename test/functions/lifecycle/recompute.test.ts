import { expect, test } from 'vitest';
import { maxReviewAgeMs, resyncPeriodMs } from '../../../api/limits/status.ts';
import type { Observed } from '../../../core/lifecycle/observed.ts';
import { createRecompute } from '../../../functions/lifecycle/recompute.ts';
import { dev, grant, key, makeObserved, makePool, makeWorker, now } from '../../core/lifecycle/observed.ts';

type Applied = 'written' | 'stale' | 'gone';

interface World {
  readonly observed?: Observed;
  /** What the first writes get; a write that is not listed succeeds. */
  readonly answers?: readonly Applied[];
}

/** A pool and its workers in memory. */
function createWorld({ observed = makeObserved(), answers = [] }: World = {}) {
  const state = { observed, now, allowed: new Set([dev.username]), silent: new Set<string>() };
  const calls: string[] = [];
  const left = [...answers];
  const recompute = createRecompute({
    gather: () => Promise.resolve(state.observed),
    mayAttach: ({ username }) => {
      calls.push(`review ${username}`);
      return state.silent.has(username)
        ? Promise.reject(new Error('apiserver unreachable'))
        : Promise.resolve(state.allowed.has(username));
    },
    writeStatus: (worker, status) => {
      calls.push(`write ${worker.metadata.name} ${status.conditions?.[0]?.reason ?? ''} ${status.phase ?? ''}`.trim());
      const answer = left.shift() ?? 'written';
      if (answer === 'written') {
        const workers = state.observed.workers.map((one) => (one === worker ? { ...one, status } : one));
        state.observed = { ...state.observed, workers };
      }
      return Promise.resolve(answer);
    },
    writeFinalizers: (pool, finalizers) => {
      calls.push(`finalizers [${finalizers.join()}]`);
      const answer = left.shift() ?? 'written';
      if (answer === 'written') {
        state.observed = { ...state.observed, pool: { ...pool, metadata: { ...pool.metadata, finalizers } } };
      }
      return Promise.resolve(answer);
    },
    now: () => state.now,
  });
  const run = async () => {
    calls.length = 0;
    await recompute(key);
    return [...calls];
  };
  return { state, run, calls };
}

const finalizer = 'buildkit.smrt-devops.net/pool-protection';
const held = makePool({}, { finalizers: [finalizer] });

test('reviews, writes the worker and then the pool, and has nothing to do the next time', async () => {
  const { run } = createWorld();
  expect(await run()).toEqual(['review dev@tenant-a', 'write worker Authorized', `finalizers [${finalizer}]`]);
  expect(await run()).toEqual([]);
});

test('reviews a right again when it is due, and always where it was missing', async () => {
  const { run, state } = createWorld({ observed: makeObserved({ pool: held }) });
  await run();
  state.allowed.clear();
  state.now = new Date(now.getTime() + maxReviewAgeMs - resyncPeriodMs - 1);
  expect(await run()).toEqual([]);
  state.now = new Date(now.getTime() + maxReviewAgeMs - resyncPeriodMs);
  expect(await run()).toEqual(['review dev@tenant-a', 'write worker RefNotPermitted']);
  expect(await run()).toEqual(['review dev@tenant-a']);
  state.allowed.add(dev.username);
  expect(await run()).toEqual(['review dev@tenant-a', 'write worker Authorized']);
});

test('does not overrule another instance that found a right gone', async () => {
  const { run, state } = createWorld({ observed: makeObserved({ pool: held }) });
  await run();
  const { observed: authorized } = state;
  state.allowed.clear();
  state.observed = makeObserved({ pool: held });
  await createRecompute({
    gather: () => Promise.resolve(authorized),
    mayAttach: () => Promise.resolve(false),
    writeStatus: (worker, status) => {
      state.observed = { ...authorized, workers: [{ ...worker, status }] };
      return Promise.resolve('written');
    },
    writeFinalizers: () => Promise.resolve('written'),
    now: () => now,
  })(key);
  expect(await run()).toEqual(['review dev@tenant-a']);
});

test('leaves a worker as it is whose right nobody can review now, writes the others, and fails', async () => {
  const workers = [makeWorker({ name: 'a' }), makeWorker({ name: 'b', requester: { username: 'other' } })];
  const { run, calls, state } = createWorld({ observed: makeObserved({ pool: held, workers }) });
  state.silent.add('other');
  await expect(run()).rejects.toThrow('rights that could not be reviewed: 1');
  expect(calls).toEqual(['review dev@tenant-a', 'review other', 'write a Authorized']);
  state.silent.clear();
  expect(await run()).toEqual(['review other', 'write b RefNotPermitted']);
});

test('holds a deleted pool until its workers are written', async () => {
  const pool = makePool(grant('All'), { finalizers: [finalizer], deletionTimestamp: '2026-01-02T00:00:00Z' });
  const { run } = createWorld({ observed: makeObserved({ pool }), answers: ['stale'] });
  expect(await run()).toEqual([
    'write worker Granted Terminating',
    'write worker Granted Terminating',
    'finalizers []',
  ]);
});

test('takes a worker that is gone for written', async () => {
  const { run } = createWorld({ observed: makeObserved({ pool: held }), answers: ['gone'] });
  expect(await run()).toEqual(['review dev@tenant-a', 'write worker Authorized']);
});

test('gives up when every attempt is too late', async () => {
  const { run } = createWorld({ answers: ['stale', 'stale', 'stale', 'stale'] });
  await expect(run()).rejects.toThrow('objects changed during each of 4 attempts');
});

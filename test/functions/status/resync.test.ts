import { expect, test } from 'vitest';
import type { PoolStatus } from '../../../api/status.ts';
import { createRecomputeCache } from '../../../core/status/recompute-cache.ts';
import type { ApplyResult, Observed } from '../../../core/status/observed.ts';
import { createResync } from '../../../functions/status/resync.ts';
import { makeObserved, makePool, makeWorker } from '../../core/status/observed.ts';

const observe = (name: string, status?: PoolStatus): Observed => {
  const { metadata, ...pool } = makePool(status === undefined ? {} : { status });
  const workers = [makeWorker('Idle', { poolRef: { name, namespace: metadata.namespace } })];
  return makeObserved({
    pool: { ...pool, metadata: { ...metadata, name } },
    workers,
    extent: { namespaces: 'all', version: 40 },
  });
};

/** Pools as one look shows them; what becomes of a write is said by the name of the pool. */
function createWorld(pools: readonly Observed[], applied: Readonly<Record<string, ApplyResult | Error>> = {}) {
  const written = new Map<string, PoolStatus>();
  const updated: string[] = [];
  const cache = createRecomputeCache();
  const resync = createResync({
    beginSurvey: () => ({
      gather: () => Promise.resolve({ pools, readAt: 39 }),
      apply: ({ metadata: { name } }, status) => {
        const answer = applied[name] ?? { written: '50' };
        if (answer instanceof Error) return Promise.reject(answer);
        if (typeof answer === 'object') written.set(name, status);
        return Promise.resolve(answer);
      },
    }),
    cache,
    now: () => new Date('2026-01-02T03:04:05Z'),
  });
  const run = () =>
    resync(({ name }) => {
      updated.push(name);
      return Promise.resolve();
    });
  const isCovered = (name: string, version: number) =>
    cache.isCovered({ namespace: 'buildkit-system', name }, { kind: 'worker', namespace: 'tenant-a', version });
  return { run, written, updated, cache, isCovered };
}

async function makeTrue(name: string): Promise<Observed> {
  const { run, written } = createWorld([observe(name)]);
  await run();
  return observe(name, written.get(name));
}

test('writes what differs, and nothing else', async () => {
  const { run, written } = createWorld([await makeTrue('true'), observe('new')]);
  await run();
  expect([...written.keys()]).toEqual(['new']);
  expect(written.get('new')?.workers?.total).toBe(1);
});

test('caches for each pool the resourceVersion it read: that of the list where it wrote, an earlier one otherwise', async () => {
  const { run, isCovered } = createWorld([await makeTrue('true'), observe('new')]);
  await run();
  expect([isCovered('new', 40), isCovered('new', 41)]).toEqual([true, false]);
  expect([isCovered('true', 39), isCovered('true', 40)]).toEqual([true, false]);
});

test('clears the cache: a cluster may have been restored from a backup', async () => {
  const { run, cache, isCovered } = createWorld([observe('new')]);
  cache.remember({ ...observe('new'), extent: { namespaces: 'all', version: 900 } }, { written: '901', readAt: 0 });
  cache.remember({ ...observe('gone'), extent: { namespaces: 'all', version: 900 } }, { written: '901', readAt: 0 });
  await run();
  expect([isCovered('new', 41), isCovered('gone', 1), cache.latest()]).toEqual([false, false, 50]);
});

test('updates by itself a pool that was written meanwhile', async () => {
  const { run, written, updated, isCovered } = createWorld([observe('stale'), observe('gone'), observe('new')], {
    stale: 'stale',
    gone: 'gone',
  });
  await run();
  expect([...written.keys()]).toEqual(['new']);
  expect(updated).toEqual(['stale']);
  expect([isCovered('stale', 1), isCovered('gone', 1)]).toEqual([false, false]);
});

test('writes all others when one fails, and says so then', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `pool-${index}`);
  const { run, written, isCovered } = createWorld(
    names.map((name) => observe(name)),
    { 'pool-3': new Error('apiserver unreachable') },
  );
  await expect(run()).rejects.toThrow('pools that failed: 1; the first: buildkit-system/pool-3: apiserver unreachable');
  expect(written.size).toBe(19);
  expect(isCovered('pool-3', 1)).toBe(false);
});

import { describe, expect, test } from 'vitest';
import { maxRememberedPools } from '../../../api/limits/status.ts';
import type { ObjectVersion } from '../../../core/events/parse.ts';
import { createRecomputeCache, type Ended } from '../../../core/status/recompute-cache.ts';
import type { Extent } from '../../../core/status/observed.ts';
import { makeObserved, makePool } from './observed.ts';

const key = { namespace: 'buildkit-system', name: 'shared-pool' };
const worker = (version: number | undefined, namespace = 'tenant-a') =>
  ({ kind: 'worker', namespace, version }) as const;
const poolAt = (version: number | undefined) => ({ kind: 'pool', namespace: key.namespace, version }) as const;

const makeRead = (resourceVersion: string, workerNamespaces?: string[]) => {
  const pool = makePool(workerNamespaces === undefined ? {} : { status: { workerNamespaces } });
  return { ...pool, metadata: { ...pool.metadata, resourceVersion } };
};

/** A memory of one run that read the pool at 10 and listed workers at 20. */
function remember(ended: Partial<Ended> = {}, extent: Extent = { namespaces: 'all', version: 20 }, named?: string[]) {
  const cache = createRecomputeCache();
  const observed = makeObserved({ pool: makeRead('10', named), extent });
  cache.remember(observed, { written: '30', readAt: 0, ...ended });
  return cache;
}

describe('covers', () => {
  test('nothing before a run', () => {
    expect(createRecomputeCache().isCovered(key, worker(1))).toBe(false);
  });

  test('workers as late as the list, and the pool as late as it was read, but not the write that followed', () => {
    const cache = remember();
    expect([20, 21].map((version) => cache.isCovered(key, worker(version)))).toEqual([true, false]);
    expect([10, 11, 30].map((version) => cache.isCovered(key, poolAt(version)))).toEqual([true, false, false]);
  });

  test('nothing without a resourceVersion', () => {
    expect([worker(undefined), poolAt(undefined)].map((one) => remember().isCovered(key, one))).toEqual([false, false]);
  });

  test('workers of the namespaces that were listed', () => {
    const cache = remember({}, { namespaces: new Set(['tenant-a']), version: 20 });
    expect(['tenant-a', 'tenant-b'].map((one) => cache.isCovered(key, worker(1, one)))).toEqual([true, false]);
  });

  test('what came before the pool was read where the status was true already', () => {
    const isCovered = (readAt: number, version: number) =>
      remember({ written: undefined, readAt }).isCovered(key, worker(version));
    expect([isCovered(0, 10), isCovered(0, 11)]).toEqual([true, false]);
    expect([isCovered(15, 15), isCovered(15, 16)]).toEqual([true, false]);
    expect([isCovered(99, 20), isCovered(99, 21)]).toEqual([true, false]);
  });

  test('nothing where resource versions are no numbers', () => {
    const cache = remember({}, { namespaces: 'all', version: undefined });
    expect(cache.isCovered(key, worker(1))).toBe(false);
  });

  test('nothing that was forgotten', () => {
    const [one, all] = [remember(), remember()];
    one.forget(key);
    all.forgetAll();
    expect([one, all].map((cache) => cache.isCovered(key, worker(1)))).toEqual([false, false]);
  });
});

describe('looks for workers', () => {
  const search = (
    cache: ReturnType<typeof remember>,
    resourceVersion: string,
    now?: string[],
    objects = [worker(40)],
  ) => cache.planReads(makeRead(resourceVersion, now), objects.slice(0)).namespaces;
  const listed = { namespaces: new Set(['a']), version: 20 };

  test.each(['10', '30'])(
    'in the namespaces that the status names and named, and in those of the events (at %s)',
    (at) => {
      const cache = remember({}, listed, ['a']);
      expect(search(cache, at, ['a'], [])).toEqual(new Set(['a']));
      expect(search(cache, at, [], [])).toEqual(new Set(['a']));
      expect(search(cache, at, ['b'], [])).toEqual(new Set(['a', 'b']));
      expect(search(cache, at, ['a'])).toEqual(new Set(['a', 'tenant-a']));
      expect(cache.planReads(makeRead(at, ['a']), [poolAt(31)]).namespaces).toEqual(new Set(['a']));
    },
  );

  test('anywhere where those are too many', () => {
    expect(search(remember({}, listed, ['a']), '30', ['b'])).toBeUndefined();
  });

  test.each(['9', '11', '29', '31'])('anywhere where somebody else wrote the pool (at %s)', (at) => {
    expect(search(remember({}, listed, ['a']), at, ['a'], [])).toBeUndefined();
  });

  test('anywhere where the status names none, or named none before', () => {
    expect(search(remember({}, listed, ['a']), '30', undefined, [])).toBeUndefined();
    expect(search(remember({}, listed), '30', ['a'], [])).toBeUndefined();
    expect(search(createRecomputeCache(), '30', ['a'], [])).toBeUndefined();
  });

  test('at a resourceVersion that is no older than the pool and no older than its last list', () => {
    const notOlderThan = (cache: ReturnType<typeof remember>, at: string) =>
      cache.planReads(makeRead(at), []).notOlderThan;
    expect(notOlderThan(createRecomputeCache(), '10')).toBe('10');
    expect([notOlderThan(remember(), '10'), notOlderThan(remember(), '30')]).toEqual(['20', '30']);
    expect(notOlderThan(remember(), 'not-a-number')).toBe('20');
    expect(notOlderThan(createRecomputeCache(), 'not-a-number')).toBe('not-a-number');
  });
});

describe("looks at the gateway's objects", () => {
  const gateway = { kind: 'gateway', namespace: key.namespace, version: undefined } as const;
  const any = { ...gateway, kind: 'any' } as const;
  /** Of a run that read the pool at 10 and wrote it at 30, or found it true. */
  const readsGateway = (
    run: { readonly saw: boolean; readonly written?: string },
    at: string,
    objects: readonly ObjectVersion[],
  ): boolean => {
    const cache = createRecomputeCache();
    const observed = makeObserved({ pool: makeRead('10', ['a']), ...(run.saw ? {} : { gateway: undefined }) });
    cache.remember(observed, { written: run.written, readAt: 0 });
    return cache.planReads(makeRead(at, ['a']), objects).withGateway;
  };
  const unseen = { saw: false, written: '30' };
  const lastRun = { saw: true, written: '30' };
  const unchanged = { saw: true };

  test('not for workers, nor for its own write', () => {
    expect(readsGateway(unchanged, '10', [worker(40), worker(undefined)])).toBe(false);
    expect(readsGateway(unseen, '30', [worker(40)])).toBe(false);
    expect(readsGateway(unseen, '30', [poolAt(30), worker(40)])).toBe(false);
  });

  test('where the last run wrote what it read of them, whatever the events are about', () => {
    expect(readsGateway(lastRun, '30', [poolAt(30)])).toBe(true);
    expect(readsGateway(lastRun, '30', [worker(40)])).toBe(true);
  });

  test('where events are about anything else, or there are none', () => {
    for (const objects of [[], [gateway], [worker(40), gateway], [worker(40), any], [poolAt(31)], [poolAt(undefined)]])
      expect(readsGateway(unseen, '30', objects)).toBe(true);
    expect(readsGateway(unchanged, '10', [poolAt(undefined)])).toBe(true);
  });

  test('where somebody else wrote the pool, or nothing is known of it', () => {
    expect(readsGateway(unseen, '31', [worker(40)])).toBe(true);
    expect(createRecomputeCache().planReads(makeRead('30', ['a']), [worker(40)]).withGateway).toBe(true);
  });
});

test('knows the latest resource version that was named', () => {
  expect(remember().latest()).toBe(30);
  expect(remember({ written: undefined }).latest()).toBe(20);
  expect(createRecomputeCache().latest()).toBe(0);
});

test('forgets the pools whose last run is the longest ago when there are too many', () => {
  const cache = createRecomputeCache();
  const named = (name: string) => {
    const pool = makePool();
    return makeObserved({
      pool: { ...pool, metadata: { ...pool.metadata, name } },
      extent: { namespaces: 'all', version: 20 },
    });
  };
  const isKnown = (name: string) => cache.isCovered({ ...key, name }, poolAt(1));
  for (let index = 0; index < maxRememberedPools; index += 1)
    cache.remember(named(`p${index}`), { written: '30', readAt: 0 });
  cache.remember(named('p0'), { written: '30', readAt: 0 });
  cache.remember(named('one-more'), { written: '30', readAt: 0 });
  expect(['p0', 'p1', 'p2', 'one-more'].map(isKnown)).toEqual([true, false, true, true]);
});

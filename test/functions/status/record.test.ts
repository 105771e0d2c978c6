import { expect, test } from 'vitest';
import type { PoolStatus } from '../../../api/status.ts';
import { createRecomputeCache } from '../../../core/status/recompute-cache.ts';
import { createRecorder } from '../../../functions/status/record.ts';
import type { RecomputePorts } from '../../../functions/status/recompute.ts';
import type { ReceivedReport } from '../../../core/status/report.ts';
import { makeObserved, makePool } from '../../core/status/observed.ts';

const report = (uid: string, total = 1): ReceivedReport => ({
  key: { namespace: 'buildkit-system', name: 'shared-pool' },
  reporter: { namespace: 'buildkit-system', pod: `pod-${uid}`, uid },
  report: { startedAt: new Date(0), sequence: total, active: 0, total, lastConnectionTime: undefined },
});

/** A pool in memory, whose gateway has the Pods `a` and `b`. Answers are what the first writes get. */
function createWorld(answers: readonly (Awaited<ReturnType<RecomputePorts['apply']>> | Error)[] = []) {
  const written: PoolStatus[] = [];
  let attempts = 0;
  const record = createRecorder({
    gather: () => {
      const status = written.at(-1);
      const pool = makePool(status === undefined ? {} : { status });
      return Promise.resolve(makeObserved({ pool, gatewayPods: new Set(['a', 'b']) }));
    },
    apply: (_, status) => {
      const answer = answers[attempts] ?? { written: '2' };
      attempts += 1;
      if (answer instanceof Error) return Promise.reject(answer);
      if (typeof answer === 'object') written.push(status);
      return Promise.resolve(answer);
    },
    cache: createRecomputeCache(),
    now: () => new Date('2026-01-02T03:04:05Z'),
  });
  return { record, totals: () => written.map(({ connections }) => connections?.total) };
}

test('writes a report, and nothing for the same one again', async () => {
  const { record, totals } = createWorld();
  expect([await record(report('a', 3)), await record(report('a', 3))]).toEqual(['recorded', 'recorded']);
  expect(totals()).toEqual([3]);
});

test('refuses a Pod that does not belong to the gateway', async () => {
  const { record, totals } = createWorld();
  expect(await record(report('stranger', 3))).toBe('refused');
  expect(totals()).toEqual([0]);
});

test('writes a burst in two runs: the one that began, and all others at once', async () => {
  const { record, totals } = createWorld();
  const reports = Array.from({ length: 100 }, (_, index) => record(report(index % 2 === 0 ? 'a' : 'b', index + 1)));
  expect(new Set(await Promise.all(reports))).toEqual(new Set(['recorded']));
  expect(totals()).toEqual([1, 199]);
});

test('reads again when somebody else wrote the pool meanwhile', async () => {
  const { record, totals } = createWorld(['stale']);
  expect(await record(report('a', 3))).toBe('recorded');
  expect(totals()).toEqual([3]);
});

test('refuses reports for a pool that is gone', async () => {
  expect(await createWorld(['gone']).record(report('a'))).toBe('refused');
});

test('rejects when the pool changed at every attempt, and when it could not be written', async () => {
  await expect(createWorld(['stale', 'stale', 'stale', 'stale']).record(report('a'))).rejects.toThrow(
    'the pool changed during each of 4 attempts',
  );
  const { record, totals } = createWorld([new Error('apiserver unreachable')]);
  await expect(record(report('a', 3))).rejects.toThrow('apiserver unreachable');
  expect(await record(report('a', 3))).toBe('recorded');
  expect(totals()).toEqual([3]);
});

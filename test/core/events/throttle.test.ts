import { expect, test } from 'vitest';
import { createThrottle } from '../../../core/events/throttle.ts';
import { createManualClock, nextTurn } from './clock.ts';

/** Runs that are ended by hand, at least 30 s apart, for whoever need not wait longer than 15 s. */
function createRuns() {
  const clock = createManualClock();
  const runs: { readonly atMs: number; readonly end: () => void; readonly fail: () => void }[] = [];
  const call = createThrottle(
    () =>
      new Promise((resolve, reject) => {
        const fail = () => {
          reject(new Error('failed'));
        };
        runs.push({ atMs: clock.nowMs(), end: resolve, fail });
      }),
    { everyMs: 30_000, maxWaitMs: 15_000, clock },
  );
  return { clock, runs, call };
}

test('begins the first run at once', async () => {
  const { runs, call } = createRuns();
  const first = call();
  await nextTurn();
  runs[0]?.end();
  expect(await first).toBe('done');
});

test('lets callers that come during a run share the next one, which begins when the period is over', async () => {
  const { clock, runs, call } = createRuns();
  void call();
  await nextTurn();
  clock.advance(20_000);
  const second = call();
  runs[0]?.end();
  await nextTurn();
  expect(runs).toHaveLength(1);
  clock.advance(5_000);
  const third = call();
  clock.advance(5_000);
  await nextTurn();
  expect(runs.map(({ atMs }) => atMs)).toEqual([0, 30_000]);
  runs[1]?.end();
  expect(await Promise.all([second, third])).toEqual(['done', 'done']);
  expect(runs).toHaveLength(2);
});

test('answers too soon at once to a caller that would wait too long', async () => {
  const { clock, runs, call } = createRuns();
  const first = call();
  await nextTurn();
  runs[0]?.end();
  await first;
  clock.advance(14_999);
  expect(await call()).toBe('too soon');
  clock.advance(1);
  const next = call();
  clock.advance(15_000);
  await nextTurn();
  runs[1]?.end();
  expect(await next).toBe('done');
});

test('starts the next run at once after a run that took longer than the period', async () => {
  const { clock, runs, call } = createRuns();
  void call();
  await nextTurn();
  clock.advance(40_000);
  void call();
  await nextTurn();
  expect(runs).toHaveLength(1);
  runs[0]?.end();
  await nextTurn();
  expect(runs.map(({ atMs }) => atMs)).toEqual([0, 40_000]);
});

test('rejects only the callers of a run that fails', async () => {
  const { clock, runs, call } = createRuns();
  const first = call();
  await nextTurn();
  clock.advance(20_000);
  const second = call();
  runs[0]?.fail();
  await expect(first).rejects.toThrow('failed');
  clock.advance(10_000);
  await nextTurn();
  runs[1]?.end();
  expect(await second).toBe('done');
});

test('rejects callers that wait when the process ends', async () => {
  const { clock, runs, call } = createRuns();
  const first = call();
  await nextTurn();
  runs[0]?.end();
  await first;
  clock.advance(20_000);
  const waiting = call();
  await nextTurn();
  clock.end();
  await expect(waiting).rejects.toThrow('ending');
  await expect(call()).rejects.toThrow('ending');
  expect(runs).toHaveLength(1);
});

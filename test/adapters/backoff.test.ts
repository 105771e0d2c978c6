import { expect, test } from 'vitest';
import { createPause, retryDelayMs } from '../../adapters/backoff.ts';

test('doubles up to the longest pause; jitter takes off up to half', () => {
  expect([1, 2, 3, 7, 8, 1000].map((failures) => retryDelayMs(failures, 0))).toEqual([
    100, 200, 400, 6400, 10_000, 10_000,
  ]);
  expect(retryDelayMs(1, 0.5)).toBe(75);
});

test('ends at once when the signal is aborted', async () => {
  const ending = new AbortController();
  const paused = createPause({ signal: ending.signal, random: () => 0 })(20);
  ending.abort();
  await paused;
});

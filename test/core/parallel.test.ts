import { expect, test } from 'vitest';
import { forEachAtOnce } from '../../core/parallel.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('does each item once, with bounded concurrency', async () => {
  const done: number[] = [];
  let running = 0;
  let most = 0;
  await forEachAtOnce(Array(20).keys(), 3, async (item) => {
    most = Math.max(most, (running += 1));
    await turn();
    running -= 1;
    done.push(item);
  });
  expect(done.toSorted((a, b) => a - b)).toEqual([...Array(20).keys()]);
  expect(most).toBe(3);
});

test('begins no further item after a failure', async () => {
  const begun: number[] = [];
  const work = forEachAtOnce(Array(20).keys(), 2, async (item) => {
    begun.push(item);
    await turn();
    if (item === 1) throw new Error('no');
  });
  await expect(work).rejects.toThrow('no');
  await turn();
  expect(begun.length).toBeLessThan(6);
});

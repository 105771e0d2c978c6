import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMerge } from '../../core/merge.ts';

/** Work whose runs are ended by hand. */
function createWork() {
  const runs: { readonly key: string; readonly end: () => void; readonly fail: () => void }[] = [];
  const work = (key: string): Promise<void> =>
    new Promise((resolve, reject) => {
      runs.push({
        key,
        end: resolve,
        fail: () => {
          reject(new Error(`run of ${key} failed`));
        },
      });
    });
  return { runs, merged: createMerge<string>(work, { idOf: (key) => key }) };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('runs the work twice for 200 calls at once', async () => {
  const { runs, merged } = createWork();
  const calls = Array.from({ length: 200 }, () => merged('a'));
  expect(runs).toHaveLength(1);
  runs[0]?.end();
  await nextTurn();
  expect(runs).toHaveLength(2);
  runs[1]?.end();
  await Promise.all(calls);
  expect(runs).toHaveLength(2);
});

test('every caller gets the result of its run', async () => {
  let count = 0;
  const merged = createMerge<string, undefined, number>(() => Promise.resolve((count += 1)), { idOf: (key) => key });
  const calls = [1, 2, 3].map(() => merged('a', undefined));
  expect(await Promise.all(calls)).toEqual([1, 2, 2]);
});

test('runs the work of different keys in parallel', () => {
  const { runs, merged } = createWork();
  void merged('a');
  void merged('b');
  expect(runs.map(({ key }) => key)).toEqual(['a', 'b']);
});

test('a failed run fails its own callers only', async () => {
  const { runs, merged } = createWork();
  const [first, second] = [merged('a'), merged('a')];
  runs[0]?.fail();
  await expect(first).rejects.toThrow('run of a failed');
  await nextTurn();
  runs[1]?.end();
  await expect(second).resolves.toBeUndefined();
});

test('nothing is remembered after the last run', async () => {
  const { runs, merged } = createWork();
  const call = merged('a');
  runs[0]?.end();
  await call;
  void merged('a');
  expect(runs).toHaveLength(2);
});

/** Work that sees every call up to the number that it ends with. */
function createCovering() {
  const runs: { readonly calls: readonly number[]; readonly end: (covers: number) => void }[] = [];
  let covered = 0;
  const merged = createMerge<string, number>(
    (_, calls) =>
      new Promise((resolve) => {
        runs.push({
          calls,
          end: (covers) => {
            covered = covers;
            resolve();
          },
        });
      }),
    { idOf: (key) => key, isCovered: (_, call) => call <= covered },
  );
  return { runs, merged };
}

test('resolves calls that the current run covers at its end, and the others after the next run', async () => {
  const { runs, merged } = createCovering();
  const calls = [1, 5, 6, 4, 7].map((call) => merged('a', call));
  runs[0]?.end(5);
  await Promise.all([calls[0], calls[1], calls[3]]);
  expect(runs.map(({ calls }) => calls)).toEqual([[1], [6, 7]]);
  runs[1]?.end(5);
  await Promise.all(calls);
  expect(runs).toHaveLength(2);
});

test('every caller gets a run that began after its call, and runs of a key never overlap', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom('a', 'b'), { maxLength: 20 }),
      async (scheduler, keys) => {
        let time = 0;
        const active = new Set<string>();
        const merged = createMerge<{ key: string }>(
          async (call) => {
            expect(active.has(call.key)).toBe(false);
            active.add(call.key);
            started.set(call.key, (time += 1));
            await scheduler.schedule(Promise.resolve());
            active.delete(call.key);
          },
          { idOf: ({ key }) => key },
        );
        const started = new Map<string, number>();
        const calls = keys.map((key) =>
          scheduler.schedule(Promise.resolve()).then(async () => {
            const called = (time += 1);
            await merged({ key });
            expect(started.get(key)).toBeGreaterThan(called);
          }),
        );
        await scheduler.waitFor(Promise.all(calls));
      },
    ),
  );
});

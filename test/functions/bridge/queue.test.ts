import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createQueue } from '../../../functions/bridge/queue.ts';

const never = new AbortController().signal;
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** A sink whose attempts are answered by hand. */
function createSink(concurrency = 16, concurrencyPerGroup = 16) {
  const attempts: { readonly item: string; readonly answer: (isDone: boolean) => Promise<unknown> }[] = [];
  const pauses: number[] = [];
  const queue = createQueue<string>({
    concurrency,
    concurrencyPerGroup,
    deliver: (item) =>
      new Promise((resolve) => {
        attempts.push({
          item,
          answer: (isDone) => {
            resolve(isDone);
            return nextTurn();
          },
        });
      }),
    pause: (failures) => {
      pauses.push(failures);
      return Promise.resolve();
    },
    signal: never,
  });
  return { queue, attempts, pauses, items: () => attempts.map(({ item }) => item) };
}

test('delivers one state of an object at a time, in order', async () => {
  const { queue, attempts, items } = createSink();
  queue.push({ group: 'one', id: 'a' }, 'a1');
  queue.push({ group: 'one', id: 'a' }, 'a2');
  queue.push({ group: 'one', id: 'b' }, 'b1');
  expect(items()).toEqual(['a1', 'b1']);
  await attempts[0]?.answer(true);
  expect(items()).toEqual(['a1', 'b1', 'a2']);
});

test('requeues an item that fails, and pauses longer each time', async () => {
  const { queue, attempts, pauses, items } = createSink();
  queue.push({ group: 'one', id: 'a' }, 'a1');
  await attempts[0]?.answer(false);
  await attempts[1]?.answer(false);
  await attempts[2]?.answer(true);
  expect(items()).toEqual(['a1', 'a1', 'a1']);
  expect(pauses).toEqual([1, 2]);
  queue.push({ group: 'one', id: 'a' }, 'a2');
  await attempts[3]?.answer(false);
  expect(pauses).toEqual([1, 2, 1]);
});

test('replaces an item that failed or waits by a newer state', async () => {
  const { queue, attempts, items } = createSink();
  queue.push({ group: 'one', id: 'a' }, 'a1');
  queue.push({ group: 'one', id: 'a' }, 'a2');
  queue.push({ group: 'one', id: 'a' }, 'a3');
  await attempts[0]?.answer(false);
  expect(items()).toEqual(['a1', 'a3']);
});

test('delivers a newer state that came while the older one succeeded', async () => {
  const { queue, attempts, items } = createSink();
  queue.push({ group: 'one', id: 'a' }, 'a1');
  queue.push({ group: 'one', id: 'a' }, 'a2');
  await attempts[0]?.answer(true);
  await attempts[1]?.answer(true);
  expect(items()).toEqual(['a1', 'a2']);
});

test('bounds the number of attempts at once', async () => {
  const { queue, attempts, items } = createSink(2);
  for (const key of ['a', 'b', 'c']) queue.push({ group: 'one', id: key }, key);
  expect(items()).toEqual(['a', 'b']);
  await attempts[0]?.answer(false);
  expect(items()).toEqual(['a', 'b', 'c']);
});

test('begins nothing after the end, and resolves when the running attempts are over', async () => {
  const ending = new AbortController();
  const begun: string[] = [];
  const release = Promise.withResolvers<boolean>();
  const queue = createQueue<string>({
    concurrencyPerGroup: 16,
    concurrency: 1,
    deliver: (item) => {
      begun.push(item);
      return release.promise;
    },
    pause: () => Promise.resolve(),
    signal: ending.signal,
  });
  queue.push({ group: 'one', id: 'a' }, 'a');
  queue.push({ group: 'one', id: 'b' }, 'b');
  ending.abort();
  release.resolve(true);
  await queue.waitUntilIdle();
  await nextTurn();
  expect(begun).toEqual(['a']);
});

test('delivers the newest state of every object last, whatever fails', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 }),
      fc.infiniteStream(fc.boolean()),
      async (scheduler, keys, outcomes) => {
        const delivered = new Map<string, number>();
        const active = new Set<string>();
        const queue = createQueue<{ key: string; state: number }>({
          concurrencyPerGroup: 16,
          concurrency: 2,
          deliver: async ({ key, state }) => {
            expect(active.has(key)).toBe(false);
            expect(active.size).toBeLessThan(2);
            active.add(key);
            await scheduler.schedule(Promise.resolve());
            active.delete(key);
            const isDone: boolean = outcomes.next().value === true;
            if (isDone) delivered.set(key, state);
            return isDone;
          },
          pause: () => scheduler.schedule(Promise.resolve()),
          signal: never,
        });
        const newest = new Map<string, number>();
        keys.forEach((key, state) => {
          void scheduler.schedule(Promise.resolve()).then(() => {
            newest.set(key, Math.max(state, newest.get(key) ?? 0));
            queue.push({ group: 'one', id: key }, { key, state: newest.get(key) ?? state });
          });
        });
        await scheduler.waitIdle();
        expect(delivered).toEqual(newest);
      },
    ),
  );
});

test('lets no group take every slot', async () => {
  const { queue, attempts, items } = createSink(4, 2);
  for (const id of ['a', 'b', 'c', 'd']) queue.push({ group: 'busy', id }, `busy ${id}`);
  queue.push({ group: 'calm', id: 'e' }, 'calm e');
  expect(items()).toEqual(['busy a', 'busy b', 'calm e']);
  await attempts[0]?.answer(true);
  expect(items()).toEqual(['busy a', 'busy b', 'calm e', 'busy c']);
});

test('lets groups take turns', async () => {
  const { queue, attempts, items } = createSink(1, 1);
  for (const id of ['a', 'b', 'c']) queue.push({ group: 'busy', id }, `busy ${id}`);
  queue.push({ group: 'calm', id: 'd' }, 'calm d');
  await attempts[0]?.answer(true);
  await attempts[1]?.answer(true);
  expect(items()).toEqual(['busy a', 'busy b', 'calm d']);
});

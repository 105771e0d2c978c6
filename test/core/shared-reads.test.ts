import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReadSharing } from '../../core/shared-reads.ts';

/** Reads that are answered by hand. */
function createReads() {
  const reads: { readonly key: string; readonly answer: (value: number) => void; readonly fail: () => void }[] = [];
  const { arrive, share } = createReadSharing();
  const read = share<string, number>(
    (key) =>
      new Promise((resolve, reject) => {
        const fail = () => {
          reject(new Error(`read of ${key} failed`));
        };
        reads.push({ key, answer: resolve, fail });
      }),
    (key) => key,
  );
  return { reads, arrive, read };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('a shared read', () => {
  it('serves a request that arrived before it began', async () => {
    const { reads, arrive, read } = createReads();
    const [first, second] = [arrive(), arrive()];
    const answers = [read(first, 'a'), read(second, 'a')];
    reads[0]?.answer(1);
    expect(await Promise.all(answers)).toEqual([1, 1]);
    expect(reads).toHaveLength(1);
  });

  it('does not serve a request that arrived after it began: the next one does', async () => {
    const { reads, arrive, read } = createReads();
    const early = read(arrive(), 'a');
    const late = read(arrive(), 'a');
    reads[0]?.answer(1);
    expect(await early).toBe(1);
    await nextTurn();
    reads[1]?.answer(2);
    expect(await late).toBe(2);
  });

  it('is made twice for 200 requests that arrive one after another while it is under way', async () => {
    const { reads, arrive, read } = createReads();
    const answers = Array.from({ length: 200 }, () => read(arrive(), 'a'));
    reads[0]?.answer(1);
    await nextTurn();
    reads[1]?.answer(2);
    await Promise.all(answers);
    expect(reads).toHaveLength(2);
  });

  it('is separate for each key', () => {
    const { reads, arrive, read } = createReads();
    const arrival = arrive();
    void read(arrival, 'a');
    void read(arrival, 'b');
    expect(reads.map(({ key }) => key)).toEqual(['a', 'b']);
  });

  it('is not cached: a request after its end causes another read', async () => {
    const { reads, arrive, read } = createReads();
    const arrival = arrive();
    const first = read(arrival, 'a');
    reads[0]?.answer(1);
    await first;
    void read(arrival, 'a');
    expect(reads).toHaveLength(2);
  });

  it('fails for those that wait for it and for no other', async () => {
    const { reads, arrive, read } = createReads();
    const [first, second] = [read(arrive(), 'a'), read(arrive(), 'a')];
    reads[0]?.fail();
    await expect(first).rejects.toThrow('read of a failed');
    await nextTurn();
    reads[1]?.answer(2);
    expect(await second).toBe(2);
  });

  it('that throws at once fails as one that rejects, and the next works', async () => {
    let isBroken = true;
    const { arrive, share } = createReadSharing();
    const read = share<string, string>(
      (key) => {
        if (isBroken) throw new Error('broken');
        return Promise.resolve(key);
      },
      (key) => key,
    );
    await expect(read(arrive(), 'a')).rejects.toThrow('broken');
    isBroken = false;
    expect(await read(arrive(), 'a')).toBe('a');
  });

  it('is made as a part of what its first request works for', async () => {
    let current = 'nobody';
    const madeFor: string[] = [];
    const { arrive, share } = createReadSharing(() => {
      const captured = current;
      return (work) => {
        const before = current;
        current = captured;
        try {
          return work();
        } finally {
          current = before;
        }
      };
    });
    const answers: (() => void)[] = [];
    const read = share<string, undefined>(
      () =>
        new Promise((resolve) => {
          madeFor.push(current);
          answers.push(() => {
            resolve(undefined);
          });
        }),
      (key) => key,
    );
    for (const name of ['first', 'second', 'third']) {
      current = name;
      void read(arrive(), 'a');
    }
    answers[0]?.();
    await nextTurn();
    expect(madeFor).toEqual(['first', 'second']);
  });
});

describe('whatever the order in which requests arrive, read and are answered', () => {
  /** Requests that each read some keys in turn, while what is stored changes all the time. */
  const requests = fc.array(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 12,
  });

  it('no request is answered with what was true before it arrived only', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), requests, fc.nat({ max: 20 }), async (scheduler, plans, changes) => {
        const world = createWorld(scheduler);
        const writes = Array.from({ length: changes }, () => scheduler.schedule(Promise.resolve()).then(world.change));
        const runs = plans.map(async (keys) => {
          await scheduler.schedule(Promise.resolve());
          const arrival = world.arrive();
          const trueAtArrival = world.version();
          for (const key of keys) {
            expect(await world.read(arrival, key)).toBeGreaterThanOrEqual(trueAtArrival);
            await scheduler.schedule(Promise.resolve());
          }
        });
        await scheduler.waitFor(Promise.all([...writes, ...runs]));
      }),
    );
  });

  it('at most one read of a key is under way, and no request waits for more than two', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), requests, async (scheduler, plans) => {
        const world = createWorld(scheduler);
        const runs = plans.map(async (keys) => {
          await scheduler.schedule(Promise.resolve());
          const arrival = world.arrive();
          for (const key of keys) {
            const begun = world.begun(key);
            await world.read(arrival, key);
            expect(world.begun(key) - begun).toBeLessThanOrEqual(2);
          }
        });
        await scheduler.waitFor(Promise.all(runs));
        expect(world.mostAtOnce()).toBe(1);
      }),
    );
  });

  it('a request that fails takes none with it that waits for another read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), requests, fc.nat({ max: 5 }), async (scheduler, plans, failing) => {
        const world = createWorld(scheduler, (count) => count % 6 === failing);
        const outcomes = plans.map(async (keys) => {
          await scheduler.schedule(Promise.resolve());
          return await Promise.allSettled(keys.map((key) => world.read(world.arrive(), key)));
        });
        const results = (await scheduler.waitFor(Promise.all(outcomes))).flat();
        for (const one of results) {
          if (one.status === 'rejected') expect((one.reason as Error).message).toBe('broken');
        }
      }),
    );
  });
});

/** A store whose version grows with each change; a read shows it as it is at some moment between its begin and its end. */
function createWorld(scheduler: fc.Scheduler, isBroken: (count: number) => boolean = () => false) {
  let version = 0;
  let most = 0;
  let count = 0;
  const underWay = new Map<string, number>();
  const begun = new Map<string, number>();
  const { arrive, share } = createReadSharing();
  const read = share<string, number>(
    async (key) => {
      begun.set(key, (begun.get(key) ?? 0) + 1);
      underWay.set(key, (underWay.get(key) ?? 0) + 1);
      most = Math.max(most, underWay.get(key) ?? 0);
      const isFailing = isBroken((count += 1));
      await scheduler.schedule(Promise.resolve());
      const readVersion = version;
      await scheduler.schedule(Promise.resolve());
      underWay.set(key, (underWay.get(key) ?? 0) - 1);
      if (isFailing) throw new Error('broken');
      return readVersion;
    },
    (key) => key,
  );
  return {
    arrive,
    read,
    change: () => {
      version += 1;
    },
    version: () => version,
    begun: (key: string) => begun.get(key) ?? 0,
    mostAtOnce: () => most,
  };
}

/**
 * A work queue: delivers the newest state of each object at least once. One attempt at a time runs per key, which keeps
 * the order, and a bounded number over all keys. An item that fails is requeued until it is delivered.
 *
 * Keys belong to groups. No group may take every slot, so a tenant who changes much delays nobody else.
 */
export interface QueueOptions<T> {
  readonly concurrency: number;
  readonly concurrencyPerGroup: number;
  /** True when the item needs no further attempt. Never rejects. */
  readonly deliver: (item: T) => Promise<boolean>;
  /** Waits as fits that many failures in a row. Never rejects. */
  readonly pause: (failures: number) => Promise<void>;
  /** No attempt begins after it is aborted. */
  readonly signal: AbortSignal;
}

export interface Key {
  readonly group: string;
  readonly id: string;
}

export interface Queue<T> {
  /** Replaces what of this key is not delivered yet. A key always comes with the same group. */
  readonly push: (key: Key, item: T) => void;
  /** Keys with something that is not delivered yet. */
  readonly count: () => number;
  /** Resolves when the attempts that run now have ended. */
  readonly waitUntilIdle: () => Promise<void>;
}

export function createQueue<T>(options: QueueOptions<T>): Queue<T> {
  const { deliver, pause, signal } = options;
  const undelivered = new Map<string, T>();
  const ready = createReady(options);
  /** Being delivered, or pausing after a failure. */
  const held = new Set<string>();
  const running = new Set<Promise<void>>();
  const failures = new Map<string, number>();

  function fill(): void {
    while (!signal.aborted) {
      const key = ready.take();
      if (key === undefined) return;
      const item = undelivered.get(key.id);
      if (item !== undefined) begin(key, item);
    }
  }

  function begin(key: Key, item: T): void {
    held.add(key.id);
    const attempt = deliver(item).then((isDone) => {
      running.delete(attempt);
      ready.finish(key);
      if (isDone && undelivered.get(key.id) === item) undelivered.delete(key.id);
      void release(key, isDone);
      fill();
    });
    running.add(attempt);
  }

  async function release(key: Key, isDone: boolean): Promise<void> {
    if (isDone) {
      failures.delete(key.id);
    } else {
      const count = (failures.get(key.id) ?? 0) + 1;
      failures.set(key.id, count);
      await pause(count);
    }
    held.delete(key.id);
    if (undelivered.has(key.id)) ready.add(key);
    fill();
  }

  return {
    push: (key, item) => {
      undelivered.set(key.id, item);
      if (!held.has(key.id)) ready.add(key);
      fill();
    },
    count: () => undelivered.size,
    waitUntilIdle: async () => {
      await Promise.all(running);
    },
  };
}

interface QueueLimits {
  readonly concurrency: number;
  readonly concurrencyPerGroup: number;
}

/** Keys that wait for a slot, by group. */
function createReady({ concurrency, concurrencyPerGroup }: QueueLimits) {
  const waiting = new Map<string, Set<string>>();
  const taken = new Map<string, number>();
  let takenInAll = 0;

  const count = (group: string, change: number): void => {
    const now = (taken.get(group) ?? 0) + change;
    if (now === 0) taken.delete(group);
    else taken.set(group, now);
    takenInAll += change;
  };

  return {
    add: ({ group, id }: Key): void => {
      const ids = waiting.get(group) ?? new Set();
      waiting.set(group, ids.add(id));
    },
    /** Takes a slot for the key that it returns; undefined when no key may have one now. */
    take: (): Key | undefined => {
      if (takenInAll >= concurrency) return undefined;
      for (const [group, ids] of waiting) {
        const [id] = ids;
        if (id === undefined || (taken.get(group) ?? 0) >= concurrencyPerGroup) continue;
        ids.delete(id);
        // Moves the group to the end of the line, so that groups take turns.
        waiting.delete(group);
        if (ids.size > 0) waiting.set(group, ids);
        count(group, 1);
        return { group, id };
      }
      return undefined;
    },
    finish: ({ group }: Key): void => {
      count(group, -1);
    },
  };
}

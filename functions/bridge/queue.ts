/**
 * At-least-once delivery of the newest state of each object: one attempt at a time per key, so that order holds,
 * and a bounded number over all keys. What fails waits its turn again, however long that takes.
 */
export interface QueueOptions<T> {
  readonly concurrency: number;
  /** True when the item needs no further attempt. Never rejects. */
  readonly deliver: (item: T) => Promise<boolean>;
  /** Waits as fits that many failures in a row. Never rejects. */
  readonly pause: (failures: number) => Promise<void>;
  /** No attempt begins after it is aborted. */
  readonly signal: AbortSignal;
}

export interface Queue<T> {
  /** Replaces what of this key is not delivered yet. */
  readonly push: (key: string, item: T) => void;
  /** Resolves when the attempts that run now are over. */
  readonly settle: () => Promise<void>;
}

export function createQueue<T>({ concurrency, deliver, pause, signal }: QueueOptions<T>): Queue<T> {
  const undelivered = new Map<string, T>();
  const ready = new Set<string>();
  /** Keys being delivered, or pausing after a failure. */
  const held = new Set<string>();
  const running = new Set<Promise<void>>();
  const failures = new Map<string, number>();

  function fill(): void {
    for (const key of ready) {
      if (signal.aborted || running.size >= concurrency) return;
      ready.delete(key);
      const item = undelivered.get(key);
      if (item !== undefined) begin(key, item);
    }
  }

  function begin(key: string, item: T): void {
    held.add(key);
    const attempt = deliver(item).then((isDone) => {
      running.delete(attempt);
      if (isDone && undelivered.get(key) === item) undelivered.delete(key);
      void release(key, isDone);
      fill();
    });
    running.add(attempt);
  }

  async function release(key: string, isDone: boolean): Promise<void> {
    if (isDone) {
      failures.delete(key);
    } else {
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      await pause(count);
    }
    held.delete(key);
    if (undelivered.has(key)) ready.add(key);
    fill();
  }

  return {
    push: (key, item) => {
      undelivered.set(key, item);
      if (!held.has(key)) ready.add(key);
      fill();
    },
    settle: async () => {
      await Promise.all(running);
    },
  };
}

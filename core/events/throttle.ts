/** Merges calls that want the same work done, and limits how often it runs. The clock is a port. */

export interface Clock {
  readonly nowMs: () => number;
  /** Rejects when the process is to end before the time is over. */
  readonly pause: (ms: number) => Promise<void>;
}

export interface ThrottleOptions {
  /** From the beginning of one run to the beginning of the next. */
  readonly everyMs: number;
  /** A caller who would wait longer for the beginning of its run gets `too soon` at once. */
  readonly maxWaitMs: number;
  readonly clock: Clock;
}

/** A caller gets the outcome of a run that began after the call. `too soon`: it should come again. */
export function createThrottle(
  work: () => Promise<void>,
  { everyMs, maxWaitMs, clock }: ThrottleOptions,
): () => Promise<'done' | 'too soon'> {
  let beganMs = -Infinity;
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;

  const leftMs = (): number => beganMs + everyMs - clock.nowMs();

  async function wait(): Promise<void> {
    await running.catch(() => undefined);
    if (leftMs() > 0) await clock.pause(leftMs());
  }

  async function runNext(): Promise<void> {
    try {
      await wait();
    } finally {
      next = undefined;
    }
    beganMs = clock.nowMs();
    running = work();
    await running;
  }

  return async () => {
    if (leftMs() > maxWaitMs) return 'too soon';
    await (next ??= runNext());
    return 'done';
  };
}

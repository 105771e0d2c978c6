/** The time that passes, for who waits. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitingClock {
  readonly clock: {
    /** Milliseconds since some moment: grows, whatever is done to the clock of the machine. */
    readonly nowMs: () => number;
    /** Rejects as soon as `drain` is called. */
    readonly pause: (ms: number) => Promise<void>;
  };
  /** Ends every pause, and lets none begin. */
  readonly drain: () => void;
}

export function createClock(): WaitingClock {
  const ending = new AbortController();
  return {
    clock: {
      nowMs: () => performance.now(),
      pause: (ms) => sleep(ms, undefined, { signal: ending.signal }),
    },
    drain: () => {
      ending.abort();
    },
  };
}

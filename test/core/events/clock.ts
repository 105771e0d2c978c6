/** A clock that is moved by hand. */
import type { Clock } from '../../../core/events/throttle.ts';

export interface ManualClock extends Clock {
  readonly advance: (ms: number) => void;
  /** Every pause, now and from now on, is broken off. */
  readonly end: () => void;
}

export function createManualClock(): ManualClock {
  let nowMs = 0;
  let isEnding = false;
  const pauses = new Set<{
    readonly untilMs: number;
    readonly resolve: () => void;
    readonly reject: (e: Error) => void;
  }>();
  return {
    nowMs: () => nowMs,
    pause: (ms) =>
      new Promise((resolve, reject) => {
        if (isEnding) reject(new Error('ending'));
        else pauses.add({ untilMs: nowMs + ms, resolve, reject });
      }),
    advance: (ms) => {
      nowMs += ms;
      for (const pause of pauses) {
        if (pause.untilMs > nowMs) continue;
        pauses.delete(pause);
        pause.resolve();
      }
    },
    end: () => {
      isEnding = true;
      for (const { reject } of pauses) reject(new Error('ending'));
      pauses.clear();
    },
  };
}

/** What is ready to go on has gone on. */
export const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

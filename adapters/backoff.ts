/** Pauses between attempts: exponential, capped, with jitter. */
import { setTimeout as sleep } from 'node:timers/promises';
import { maxRetryDelayMs, minRetryDelayMs } from '../api/limits/bridge.ts';

export interface BackoffOptions {
  readonly signal: AbortSignal;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Resolves after the pause that follows the given number of failures, or as soon as the signal is aborted. */
export type Pause = (failures: number) => Promise<void>;

export const createPause =
  ({ signal, random }: BackoffOptions): Pause =>
  async (failures) => {
    await sleep(retryDelayMs(failures, random()), undefined, { signal }).catch(() => undefined);
  };

/** `jitter` in [0, 1). */
export const retryDelayMs = (failures: number, jitter: number): number =>
  Math.min(maxRetryDelayMs, minRetryDelayMs * 2 ** (failures - 1)) * (1 - jitter / 2);

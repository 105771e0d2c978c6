/** When a connection has lived long enough. No I/O. No clock. */
import {
  halfCloseTimeoutMs,
  idleTimeoutMs,
  maxConnectionLifetimeMs,
  maxWaitForWorkerMs,
} from '../../api/limits/gateway.ts';

/** Times in milliseconds of one clock. */
export interface ConnectionTimes {
  readonly openedAtMs: number;
  /** When client or worker sent the last byte. */
  readonly lastByteAtMs: number;
  /** When one of them closed its half. */
  readonly halfClosedAtMs: number | undefined;
  /** Since when it waits for a worker. */
  readonly waitingSinceMs: number | undefined;
}

export type Overdue = 'half_closed' | 'idle' | 'no_worker' | 'lifetime';

export function findOverdue(times: ConnectionTimes, nowMs: number): Overdue | undefined {
  const { openedAtMs, lastByteAtMs, halfClosedAtMs, waitingSinceMs } = times;
  if (halfClosedAtMs !== undefined && nowMs - halfClosedAtMs >= halfCloseTimeoutMs) return 'half_closed';
  if (nowMs - lastByteAtMs >= idleTimeoutMs) return 'idle';
  if (waitingSinceMs !== undefined && nowMs - waitingSinceMs >= maxWaitForWorkerMs) return 'no_worker';
  return nowMs - openedAtMs >= maxConnectionLifetimeMs ? 'lifetime' : undefined;
}

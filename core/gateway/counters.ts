/** What a gateway reports of its connections. No I/O. No clock. */
import type { ConnectionReport } from '../status/report.ts';

export interface Counters {
  readonly opened: (at: Date) => void;
  readonly closed: () => void;
  readonly active: () => number;
  /** Whether something changed since the last report that arrived. */
  readonly isDue: () => boolean;
  /** Each has a higher number than the one before. */
  readonly nextReport: () => ConnectionReport;
  /** The last report was counted. */
  readonly reported: () => void;
}

/** The first report, of nothing, is due at once: it says that this process exists. */
export function createCounters(startedAt: Date): Counters {
  let [active, total, sequence] = [0, 0, 0];
  let lastConnectionTime: Date | undefined;
  let [changes, sentChanges, reportedChanges] = [1, 0, 0];
  return {
    opened: (at) => {
      active += 1;
      total += 1;
      changes += 1;
      lastConnectionTime = at;
    },
    closed: () => {
      active -= 1;
      changes += 1;
    },
    active: () => active,
    isDue: () => changes > reportedChanges,
    nextReport: () => {
      sequence += 1;
      sentChanges = changes;
      return { startedAt, sequence, active, total, lastConnectionTime };
    },
    reported: () => {
      reportedChanges = sentChanges;
    },
  };
}

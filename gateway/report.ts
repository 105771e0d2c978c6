/** Sends what is counted to `status`, soon after it changes, for as long as it takes. */
import { minReportPeriodMs } from '../api/limits/gateway.ts';
import type { Counters } from '../core/gateway/counters.ts';
import type { ConnectionReport } from '../core/status/report.ts';

export interface ReportPorts {
  readonly counters: Pick<Counters, 'isDue' | 'nextReport' | 'reported'>;
  /** Rejects when it may not have been counted. */
  readonly send: (report: ConnectionReport) => Promise<void>;
  readonly pause: (failures: number) => Promise<void>;
  readonly signal: AbortSignal;
  readonly log: { readonly warn: (fields: object, message: string) => void };
}

export interface Reporter {
  /** Something is counted anew. */
  readonly changed: () => void;
  /** Resolves when all that is counted now has arrived, or was tried once more. */
  readonly flush: () => Promise<void>;
}

export function createReporter({ counters, send, pause, signal, log }: ReportPorts): Reporter {
  let running: Promise<void> | undefined;
  let failures = 0;

  async function sendOnce(): Promise<void> {
    try {
      await send(counters.nextReport());
      counters.reported();
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures === 1) log.warn({ error: (error as Error).message }, 'connections not reported, will try again');
    }
  }

  async function sendAll(): Promise<void> {
    while (counters.isDue() && !signal.aborted) {
      await sendOnce();
      await (failures > 0 ? pause(failures) : new Promise((resolve) => setTimeout(resolve, minReportPeriodMs)));
    }
  }

  return {
    changed: () => {
      running ??= sendAll().finally(() => {
        running = undefined;
      });
    },
    flush: async () => {
      if (counters.isDue()) await sendOnce();
    },
  };
}

/** Wakes `lifecycle` when something is due for the pool: it sleeps, and a gateway is awake anyway. */
import { maxTimerMs, minTickPeriodMs } from '../api/limits/gateway.ts';

export interface TickPorts {
  /** Rejects when it may be tried again. */
  readonly post: () => Promise<void>;
  readonly log: { readonly warn: (fields: object, message: string) => void };
}

export interface Ticker {
  /** Undefined: nothing is due. */
  readonly setDueAt: (dueAtMs: number | undefined) => void;
}

/** A moment that stays in the past is posted again every ten seconds: the routes say when something else is due. */
export function createTicker({ post, log }: TickPorts): Ticker {
  let timer: NodeJS.Timeout | undefined;
  let dueAtMs: number | undefined;
  let notBeforeMs = -Infinity;

  function schedule(): void {
    clearTimeout(timer);
    if (dueAtMs === undefined) return;
    const delayMs = Math.max(dueAtMs - Date.now(), notBeforeMs - Date.now(), 0);
    timer = setTimeout(tick, Math.min(delayMs, maxTimerMs));
    timer.unref();
  }

  function tick(): void {
    if (dueAtMs === undefined || dueAtMs > Date.now()) {
      schedule();
      return;
    }
    notBeforeMs = Date.now() + minTickPeriodMs;
    post().catch((error: unknown) => {
      log.warn({ error: (error as Error).message }, 'tick not delivered, will try again');
    });
    schedule();
  }

  return {
    setDueAt: (next) => {
      if (next !== dueAtMs) notBeforeMs = -Infinity;
      dueAtMs = next;
      schedule();
    },
  };
}

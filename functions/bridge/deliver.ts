/** The outcome of one attempt to deliver an event. */
import type { CloudEvent } from '../../core/events/make.ts';

/** The status of the answer; rejects when none came. */
export type SendEvent = (event: CloudEvent) => Promise<number>;

export interface DeliveryLog {
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
}

export interface DeliveryPorts {
  readonly send: SendEvent;
  /** Names the sink in the log. */
  readonly sink: string;
  readonly log: DeliveryLog;
  /** Aborted when the process ends. An attempt that fails after that is not logged. */
  readonly signal: AbortSignal;
}

/** True when the event needs no further attempt. */
export type Deliver = (event: CloudEvent) => Promise<boolean>;

/**
 * 2xx means delivered. Only 400 says that the event itself is wrong, so that no retry helps. Every other failure passes
 * or is repaired by a person: a sink that sleeps (404, 5xx), is busy (425, 429) or misconfigured (401).
 *
 * Logs one line when a fault begins and one when it ends, however many events wait.
 */
export function createDeliver({ send, sink, log, signal }: DeliveryPorts): Deliver {
  const failing = new Set<string>();

  function recover(subject: string): void {
    if (failing.delete(subject) && failing.size === 0) log.info({ sink }, 'all events delivered again');
  }

  function fail(subject: string, cause: object): boolean {
    if (failing.size === 0 && !signal.aborted)
      log.warn({ sink, subject, ...cause }, 'event not delivered, will try until it is');
    failing.add(subject);
    return false;
  }

  return async (event) => {
    const subject = event.headers['ce-subject'] ?? '';
    try {
      const status = await send(event);
      if (status === 400) log.error({ sink, subject, status }, 'event refused as malformed');
      else if (status < 200 || status > 299) return fail(subject, { status });
      recover(subject);
      return true;
    } catch (error) {
      return fail(subject, { error: describe(error) });
    }
  };
}

/** `fetch failed` says nothing; its cause does. */
function describe(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

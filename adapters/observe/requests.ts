/** Wraps the app of a function: makes each request part of a trace, and counts its outcome. */
import { Hono } from 'hono';
import { refusalLogMs } from '../../api/limits/observability.ts';
import type { EventKind, RequestOutcome } from '../../api/names.ts';
import { EVENT_KINDS } from '../../api/names.ts';
import { PING_EVENT_TYPE } from '../../core/events/types.ts';
import { followTrace } from '../activity.ts';
import type { FunctionMetrics } from './function-metrics.ts';

export interface RequestObserverPorts {
  readonly metrics: Pick<FunctionMetrics, 'countEvent' | 'countReport'>;
  readonly log: { readonly warn: (fields: object, message: string) => void };
  /** Milliseconds, of a clock that never goes back. */
  readonly now: () => number;
}

export interface App {
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

/** What is asked for, by path. */
export type Asked = Readonly<Record<string, 'event' | 'report'>>;

export function observeRequests(app: App, asked: Asked, { metrics, log, now }: RequestObserverPorts): Hono {
  const logRefusal = createRefusalLog(log, now);
  const count = (what: 'event' | 'report', { headers }: Request, outcome: RequestOutcome): void => {
    if (what === 'event') metrics.countEvent(kindOf(headers), outcome);
    else metrics.countReport(outcome);
  };
  const observed = new Hono();
  observed.all('*', ({ req }) =>
    followTrace(req.raw, async () => {
      const answer = await app.fetch(req.raw);
      const what = asked[req.path];
      if (what === undefined) return answer;
      const outcome = outcomeOf(answer.status);
      count(what, req.raw, outcome);
      if (refusals.has(outcome)) logRefusal(what, outcome);
      return answer;
    }),
  );
  return observed;
}

/** Outcomes that are the fault of the request or its sender. A failure of ours is logged where it happens. */
const refusals: ReadonlySet<RequestOutcome> = new Set(['refused', 'malformed', 'too_large']);

const outcomes: Readonly<Record<number, RequestOutcome>> = {
  200: 'done',
  204: 'done',
  202: 'not_ours',
  400: 'malformed',
  401: 'refused',
  403: 'refused',
  413: 'too_large',
};

const outcomeOf = (status: number): RequestOutcome => outcomes[status] ?? 'failed';

/** The kind that an event names, limited to kinds that we know: its sender is not authenticated yet. */
function kindOf(headers: Headers): EventKind {
  if (headers.get('ce-type') === PING_EVENT_TYPE) return 'resync';
  const kind = headers.get('ce-kind');
  return EVENT_KINDS.find((known) => known === kind) ?? 'other';
}

/** Anybody can cause refusals without end, so each sort gets one line per period, with the number since the last line. */
function createRefusalLog(log: RequestObserverPorts['log'], now: () => number) {
  const logged = new Map<string, { atMs: number; more: number }>();
  return (request: 'event' | 'report', outcome: RequestOutcome): void => {
    const sort = `${request} ${outcome}`;
    const last = logged.get(sort);
    if (last !== undefined && now() - last.atMs < refusalLogMs) {
      last.more += 1;
      return;
    }
    logged.set(sort, { atMs: now(), more: 0 });
    log.warn({ request, outcome, moreBefore: last?.more ?? 0 }, 'request refused');
  };
}

/** Takes CloudEvents and brings the status of the pools they touch up to date. */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { eventRetryAfterSeconds, maxEventBodyBytes, maxParallelRecomputes } from '../../api/limits.ts';
import { PROBE_PATHS, STATUS_EVENTS_PATH } from '../../api/names.ts';
import { parseEvent, type PoolsTouched } from '../../core/events/parse.ts';
import { formatPoolKey, type PoolKey } from '../../core/pool-reference.ts';
import { createMerge } from './merge.ts';

export interface StatusPorts {
  /** Resolves when the status of the pool is true, or the pool is gone; rejects when it may be tried again. */
  readonly recompute: (pool: PoolKey) => Promise<void>;
  readonly listPools: () => Promise<readonly PoolKey[]>;
  /** Whether the holder of the token may send events; rejects when nobody can say now. */
  readonly authenticateSender: (token: string) => Promise<'allowed' | 'refused'>;
  readonly log: { readonly warn: (fields: object, message: string) => void };
}

/**
 * `POST /status/events`: 200 when every pool touched is up to date, 202 when none is, 400 malformed, 401 not an
 * allowed sender, 413 too large, 503 when it should be sent again (Knative does not retry 500).
 */
export function createStatusApp({ recompute, listPools, authenticateSender, log }: StatusPorts): Hono {
  const app = new Hono();
  const update = createMerge(recompute, formatPoolKey);
  const resync = createMerge(
    () => resyncAll(),
    () => 'all',
  );

  async function tryUpdate(pool: PoolKey): Promise<boolean> {
    try {
      await update(pool);
      return true;
    } catch (error) {
      log.warn({ pool: formatPoolKey(pool), error: (error as Error).message }, 'status not updated');
      return false;
    }
  }

  /** One pool that fails does not keep the others from being written. */
  async function resyncAll(): Promise<void> {
    const pools = (await listPools()).values();
    let failed = 0;
    const lane = async (): Promise<void> => {
      for (const pool of pools) if (!(await tryUpdate(pool))) failed += 1;
    };
    await Promise.all(Array.from({ length: maxParallelRecomputes }, lane));
    if (failed > 0) throw new Error(`pools that failed: ${failed}`);
  }

  async function bringUpToDate(event: Exclude<PoolsTouched, { touched: 'none' }>): Promise<boolean> {
    return event.touched === 'one' ? await tryUpdate(event.pool) : await succeeds(resync('all'), 'resync incomplete');
  }

  async function succeeds(work: Promise<void>, message: string): Promise<boolean> {
    try {
      await work;
      return true;
    } catch (error) {
      log.warn({ error: (error as Error).message }, message);
      return false;
    }
  }

  app.post(
    STATUS_EVENTS_PATH,
    bodyLimit({
      maxSize: maxEventBodyBytes,
      onError: (c) => c.text(`body: expected <= ${maxEventBodyBytes} bytes`, 413),
    }),
    async (c) => {
      const token = readBearer(c.req.header('authorization'));
      if (token === undefined || (await authenticateSender(token)) === 'refused') {
        c.header('www-authenticate', 'Bearer');
        return c.text('sender not allowed', 401);
      }
      const event = parseEvent(c.req.header(), await c.req.text());
      if (!event.ok) return c.text(event.error, 400);
      if (event.value.touched === 'none') return c.text('about no pool', 202);
      if (await bringUpToDate(event.value)) return c.text('up to date', 200);
      return tellToRetry();
    },
  );

  for (const path of Object.values(PROBE_PATHS)) app.get(path, (c) => c.text('ok'));

  app.onError((error) => {
    log.warn({ error: error.message }, 'event not handled');
    return tellToRetry();
  });

  return app;
}

const tellToRetry = (): Response =>
  new Response('try again', { status: 503, headers: { 'retry-after': String(eventRetryAfterSeconds) } });

/** RFC 6750, 2.1. */
const readBearer = (header: string | undefined): string | undefined => /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];

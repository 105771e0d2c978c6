/**
 * What a function does with a CloudEvent: finds the pools that it touches and brings each up to date.
 *
 * A pipeline: sender, event, pools, work, answer. An error is told to the sender as 503, which alone is sent again.
 */
import { eventRetryAfterSeconds, maxEventBodyBytes, maxParallelRecomputes } from '../../api/limits.ts';
import { readBearer } from '../bearer.ts';
import { isAnnouncedTooLarge, readBody } from '../body.ts';
import { forEachAtOnce } from '../parallel.ts';
import { formatPoolKey, type PoolKey } from '../pool-reference.ts';
import { createMerge } from './merge.ts';
import { parseEvent, type Touched } from './parse.ts';

/** Pools that an event touches, where it is more than one. */
export type Area = Exclude<Touched, { touched: 'one' | 'configs' | 'none' }>;

export interface EventPorts {
  /** Resolves when the pool is as it should be, or gone; rejects when it may be tried again. */
  readonly recompute: (pool: PoolKey) => Promise<void>;
  /** Every pool that what is computed of may change with the area. */
  readonly listPools: (area: Area) => Promise<readonly PoolKey[]>;
  /** The same for the OIDC configs of a namespace, or of all; absent where they are another function's. */
  readonly recomputeConfigs?: (namespace: string | undefined) => Promise<void>;
  /** Whether the holder of the token, or who has none, may send events; rejects when nobody can say now. */
  readonly authenticateSender: (token: string | undefined) => Promise<'allowed' | 'refused'>;
  readonly log: { readonly warn: (fields: object, message: string) => void };
}

/**
 * 200 when every pool touched is up to date, 202 when none is, 400 malformed, 401 not an allowed sender, of whom no body is
 * read, 413 too large, 503 when it should be sent again (Knative does not retry 500). Never rejects.
 */
export function createEventHandler(ports: EventPorts): (request: Request) => Promise<Response> {
  const { authenticateSender, log } = ports;
  const update = createUpdate(ports);

  async function handle(request: Request): Promise<Response> {
    if (isAnnouncedTooLarge(request, maxEventBodyBytes)) return tooLarge();
    if ((await authenticateSender(readBearer(request))) === 'refused') {
      return new Response('sender not allowed', { status: 401, headers: { 'www-authenticate': 'Bearer' } });
    }
    const body = await readBody(request, maxEventBodyBytes);
    if (!body.ok) return tooLarge();
    const event = parseEvent(Object.fromEntries(request.headers), utf8.decode(body.value));
    if (!event.ok) return new Response(event.error, { status: 400 });
    const outcome = await update(event.value);
    if (outcome === 'not ours') return new Response('about nothing of ours', { status: 202 });
    return outcome === 'done' ? new Response('up to date') : tellToRetry();
  }

  return async (request) => {
    try {
      return await handle(request);
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'event not handled');
      return tellToRetry();
    }
  };
}

const utf8 = new TextDecoder();

const tooLarge = (): Response => new Response(`body: expected <= ${maxEventBodyBytes} bytes`, { status: 413 });

type Outcome = 'done' | 'failed' | 'not ours';

/** Never rejects: what fails is logged. */
function createUpdate({
  recompute,
  recomputeConfigs,
  listPools,
  log,
}: EventPorts): (touched: Touched) => Promise<Outcome> {
  const update = createMerge(recompute, formatPoolKey);
  const updateArea = createMerge(async (area: Area) => {
    await updateAll(await listPools(area));
  }, formatArea);

  /** One pool that fails does not keep the others from being written. */
  async function updateAll(pools: readonly PoolKey[]): Promise<void> {
    let failed = 0;
    await forEachAtOnce(pools, maxParallelRecomputes, async (pool) => {
      if ((await tryUpdate(pool)) === 'failed') failed += 1;
    });
    if (failed > 0) throw new Error(`pools that failed: ${failed}`);
  }

  const tryUpdate = (pool: PoolKey): Promise<Outcome> =>
    settle(update(pool), 'pool not brought up to date', { pool: formatPoolKey(pool) });

  async function settle(work: Promise<void>, message: string, about: object): Promise<Outcome> {
    try {
      await work;
      return 'done';
    } catch (error) {
      log.warn({ ...about, error: (error as Error).message }, message);
      return 'failed';
    }
  }

  const updateConfigs =
    recomputeConfigs === undefined ? undefined : createMerge(recomputeConfigs, (namespace) => namespace ?? '');

  async function tryUpdateConfigs(namespace?: string): Promise<Outcome> {
    if (updateConfigs === undefined) return 'not ours';
    return await settle(updateConfigs(namespace), 'OIDC configs not brought up to date', { namespace });
  }

  return async (event) => {
    if (event.touched === 'none') return 'not ours';
    if (event.touched === 'one') return await tryUpdate(event.pool);
    if (event.touched === 'configs') return await tryUpdateConfigs(event.namespace);
    const area = settle(updateArea(event), 'resync incomplete', { area: formatArea(event) });
    const configs = event.touched === 'all' ? tryUpdateConfigs() : undefined;
    return (await configs) === 'failed' ? 'failed' : await area;
  };
}

const formatArea = (area: Area): string => (area.touched === 'all' ? 'all' : `namespace ${area.namespace}`);

const tellToRetry = (): Response =>
  new Response('try again', { status: 503, headers: { 'retry-after': String(eventRetryAfterSeconds) } });

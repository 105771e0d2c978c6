/** `POST /lifecycle/ticks`: something is due for a pool, says its gateway, which is awake anyway. */
import { tickRequest, type TickRequest } from '../../api/http/ticks.ts';
import { maxTickBodyBytes } from '../../api/limits/lifecycle.ts';
import { createMerge } from '../../core/merge.ts';
import { formatPoolKey, type PoolKey } from '../../core/pool-reference.ts';
import { createPodHandler, type PodRequestOptions } from '../pod-request.ts';
import type { FindPoolOfGateway } from './keys.ts';

export interface TickPorts extends Pick<PodRequestOptions<TickRequest>, 'authenticate' | 'log'> {
  readonly findPoolOfGateway: FindPoolOfGateway;
  /** Rejects when it may be tried again. */
  readonly recompute: (pool: PoolKey) => Promise<void>;
}

/** 204 when the pool is up to date, 403 not a Pod of its gateway, and as `createPodHandler`. Ticks at once are one run. */
export function createTickHandler(ports: TickPorts): (request: Request) => Promise<Response> {
  const recompute = createMerge<PoolKey>((pool) => ports.recompute(pool), { idOf: formatPoolKey });
  return createPodHandler({
    ...ports,
    schema: tickRequest,
    maxBodyBytes: maxTickBodyBytes,
    answer: async (caller, { pool }) => {
      if ((await ports.findPoolOfGateway(caller, pool)) === undefined) {
        return new Response('not a Pod of the gateway of this pool', { status: 403 });
      }
      await recompute({ namespace: caller.namespace, name: pool });
      return new Response(null, { status: 204 });
    },
  });
}

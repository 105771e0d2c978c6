/** Takes CloudEvents and looks anew at the pools they touch, and at the workers that refer to them; signs their keys. */
import { Hono } from 'hono';
import { KEYS_PATH, WORKER_KEYS_PATH } from '../../api/http/keys.ts';
import { TICKS_PATH } from '../../api/http/ticks.ts';
import { LIFECYCLE_EVENTS_PATH, PROBE_PATHS } from '../../api/names.ts';
import { createEventHandler, type EventPorts } from '../event-handler.ts';
import { updateEach } from '../../core/events/update.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import { createGatewayKeysHandler, createWorkerKeysHandler, type KeysPorts } from './keys.ts';
import { createTickHandler } from './ticks.ts';

export interface LifecyclePorts extends Omit<EventPorts, 'resync' | 'listPoolsOf' | 'configs'> {
  /** Pools that workers of the namespace refer to or its clients build on; or of all, and those there are. */
  readonly listPools: (namespace?: string) => Promise<readonly PoolKey[]>;
  /** Around the run that looks at every pool. */
  readonly observeResync?: (resync: EventPorts['resync']) => EventPorts['resync'];
  /** Undefined where no Pods are made. */
  readonly keys?: KeysPorts | undefined;
}

/**
 * `POST /lifecycle/events` as `createEventHandler`, and for Pods that lifecycle made `POST /lifecycle/keys`,
 * `POST /lifecycle/keys/worker` and `POST /lifecycle/ticks`.
 */
export function createLifecycleApp(options: LifecyclePorts): Hono {
  const { listPools, observeResync, keys, ...ports } = options;
  const resync: EventPorts['resync'] = async (update) => {
    await updateEach(await listPools(), update);
  };
  const app = new Hono();
  const handle = createEventHandler({
    ...ports,
    resync: observeResync?.(resync) ?? resync,
    listPoolsOf: listPools,
  });
  app.post(LIFECYCLE_EVENTS_PATH, (c) => handle(c.req.raw));
  if (keys !== undefined) {
    const [signGateway, signWorker] = [createGatewayKeysHandler(keys), createWorkerKeysHandler(keys)];
    const tick = createTickHandler({ ...keys, recompute: (pool) => ports.recompute(pool, []) });
    app.post(KEYS_PATH, (c) => signGateway(c.req.raw));
    app.post(WORKER_KEYS_PATH, (c) => signWorker(c.req.raw));
    app.post(TICKS_PATH, (c) => tick(c.req.raw));
  }
  for (const path of Object.values(PROBE_PATHS)) app.get(path, (c) => c.text('ok'));
  return app;
}

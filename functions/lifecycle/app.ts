/** Takes CloudEvents and looks anew at the pools they touch, and at the workers that refer to them. */
import { Hono } from 'hono';
import { LIFECYCLE_EVENTS_PATH, PROBE_PATHS } from '../../api/names.ts';
import { createEventHandler, type EventPorts } from '../event-handler.ts';
import { updateEach } from '../../core/events/update.ts';
import type { PoolKey } from '../../core/pool-reference.ts';

export interface LifecyclePorts extends Omit<EventPorts, 'resync' | 'listPoolsOf' | 'configs'> {
  /** Pools there are and pools that workers of the namespace refer to, or of all. */
  readonly listPools: (namespace?: string) => Promise<readonly PoolKey[]>;
  /** Around the run that looks at every pool. */
  readonly observeResync?: (resync: EventPorts['resync']) => EventPorts['resync'];
}

/** `POST /lifecycle/events`: as `createEventHandler`. */
export function createLifecycleApp({ listPools, observeResync = (resync) => resync, ...ports }: LifecyclePorts): Hono {
  const app = new Hono();
  const handle = createEventHandler({
    ...ports,
    resync: observeResync(async (update) => {
      await updateEach(await listPools(), update);
    }),
    listPoolsOf: listPools,
  });
  app.post(LIFECYCLE_EVENTS_PATH, (c) => handle(c.req.raw));
  for (const path of Object.values(PROBE_PATHS)) app.get(path, (c) => c.text('ok'));
  return app;
}

/** Takes CloudEvents and brings the status of the pools and OIDC configs they touch up to date. */
import { Hono } from 'hono';
import { PROBE_PATHS, STATUS_EVENTS_PATH } from '../../api/names.ts';
import { createEventHandler, type EventPorts } from '../../core/events/handle.ts';
import type { PoolKey } from '../../core/pool-reference.ts';

export interface StatusPorts extends Omit<EventPorts, 'listPools'> {
  readonly listPools: () => Promise<readonly PoolKey[]>;
}

/** `POST /status/events`: as `createEventHandler`. */
export function createStatusApp({ listPools, ...ports }: StatusPorts): Hono {
  const app = new Hono();
  const handle = createEventHandler({
    ...ports,
    // No status says anything that depends on a namespace.
    listPools: async ({ touched }) => (touched === 'all' ? await listPools() : []),
  });
  app.post(STATUS_EVENTS_PATH, (c) => handle(c.req.raw));
  for (const path of Object.values(PROBE_PATHS)) app.get(path, (c) => c.text('ok'));
  return app;
}

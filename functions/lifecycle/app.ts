/** Takes CloudEvents and looks anew at the pools they touch, and at the workers that refer to them. */
import { Hono } from 'hono';
import { LIFECYCLE_EVENTS_PATH, PROBE_PATHS } from '../../api/names.ts';
import { createEventHandler, type EventPorts } from '../../core/events/handle.ts';

/** `POST /lifecycle/events`: as `createEventHandler`. */
export function createLifecycleApp(ports: EventPorts): Hono {
  const app = new Hono();
  const handle = createEventHandler(ports);
  app.post(LIFECYCLE_EVENTS_PATH, (c) => handle(c.req.raw));
  for (const path of Object.values(PROBE_PATHS)) app.get(path, (c) => c.text('ok'));
  return app;
}

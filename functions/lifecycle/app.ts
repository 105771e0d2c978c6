/** Takes CloudEvents and looks anew at the pools they touch, and at the workers that refer to them. */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { maxEventBodyBytes } from '../../api/limits.ts';
import { LIFECYCLE_EVENTS_PATH, PROBE_PATHS } from '../../api/names.ts';
import { createEventHandler, type EventPorts } from '../../core/events/handle.ts';

/** `POST /lifecycle/events`: as `createEventHandler`, and 413 for what is too large. */
export function createLifecycleApp(ports: EventPorts): Hono {
  const app = new Hono();
  const handle = createEventHandler(ports);
  app.post(
    LIFECYCLE_EVENTS_PATH,
    bodyLimit({
      maxSize: maxEventBodyBytes,
      onError: (c) => c.text(`body: expected <= ${maxEventBodyBytes} bytes`, 413),
    }),
    (c) => handle(c.req.raw),
  );
  for (const path of Object.values(PROBE_PATHS)) app.get(path, (c) => c.text('ok'));
  return app;
}

/** Takes CloudEvents and reports of gateways, and brings the status of pools and OIDC configs up to date. */
import { Hono } from 'hono';
import { PROBE_PATHS, STATUS_EVENTS_PATH, STATUS_REPORTS_PATH } from '../../api/names.ts';
import { createEventHandler, type EventPorts } from '../../core/events/handle.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import { createReportHandler, type ReportPorts } from './reports.ts';

export interface StatusPorts extends Omit<EventPorts, 'listPools'>, ReportPorts {
  readonly listPools: () => Promise<readonly PoolKey[]>;
}

/** `POST /status/events` as `createEventHandler`, `POST /status/reports` as `createReportHandler`. */
export function createStatusApp({ listPools, ...ports }: StatusPorts): Hono {
  const app = new Hono();
  const handle = createEventHandler({
    ...ports,
    // No status says anything that depends on a namespace.
    listPools: async ({ touched }) => (touched === 'all' ? await listPools() : []),
  });
  const report = createReportHandler(ports);
  app.post(STATUS_EVENTS_PATH, (c) => handle(c.req.raw));
  app.post(STATUS_REPORTS_PATH, (c) => report(c.req.raw));
  for (const path of Object.values(PROBE_PATHS)) app.get(path, (c) => c.text('ok'));
  return app;
}

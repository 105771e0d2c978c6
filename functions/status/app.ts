/** Takes CloudEvents and reports of gateways, and brings the status of pools and OIDC configs up to date. */
import { Hono } from 'hono';
import { PROBE_PATHS, STATUS_EVENTS_PATH, STATUS_REPORTS_PATH } from '../../api/names.ts';
import { createEventHandler, type EventPorts } from '../event-handler.ts';
import { createReportHandler, type ReportPorts } from './reports.ts';

export interface StatusPorts extends Omit<EventPorts, 'listPoolsOf'>, ReportPorts {}

/** `POST /status/events` as `createEventHandler`, `POST /status/reports` as `createReportHandler`. */
export function createStatusApp(ports: StatusPorts): Hono {
  const app = new Hono();
  // No status says anything that depends on a namespace.
  const handle = createEventHandler({ ...ports, listPoolsOf: () => Promise.resolve([]) });
  const report = createReportHandler(ports);
  app.post(STATUS_EVENTS_PATH, (c) => handle(c.req.raw));
  app.post(STATUS_REPORTS_PATH, (c) => report(c.req.raw));
  for (const path of Object.values(PROBE_PATHS)) app.get(path, (c) => c.text('ok'));
  return app;
}

/** The probes of a gateway, beside its metrics: its own port speaks mutual TLS alone. */
import { Hono } from 'hono';
import { METRICS_PATH, PROBE_PATHS } from '../api/names.ts';

export interface OperationsPorts {
  /** Undefined where it takes connections; otherwise what is missing. */
  readonly findUnready: () => string | undefined;
  readonly readMetrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

export function createOperationsApp({ findUnready, readMetrics }: OperationsPorts): Hono {
  const app = new Hono();
  app.get(PROBE_PATHS.alive, (c) => c.text('ok'));
  app.get(PROBE_PATHS.ready, (c) => {
    const unready = findUnready();
    return unready === undefined ? c.text('ok') : c.text(unready, 503);
  });
  app.get(METRICS_PATH, async (c) => {
    const { contentType, text } = await readMetrics();
    return c.body(text, 200, { 'content-type': contentType });
  });
  return app;
}

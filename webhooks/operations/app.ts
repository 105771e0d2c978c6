/** What the kubelet and Prometheus ask of the webhooks. */
import { Hono } from 'hono';
import { METRICS_PATH, PROBE_PATHS } from '../../api/names.ts';
import type { Result } from '../../core/result.ts';

export interface OperationsPorts {
  /** The error says what is missing. */
  readonly checkReady: () => Promise<Result<void, string>>;
  readonly readMetrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

export function createOperationsApp({ checkReady, readMetrics }: OperationsPorts): Hono {
  const app = new Hono();
  app.get(PROBE_PATHS.alive, (context) => context.text('ok'));
  app.get(PROBE_PATHS.ready, async (context) => {
    const ready = await checkReady();
    return ready.ok ? context.text('ok') : context.text(ready.error, 503);
  });
  app.get(METRICS_PATH, async (context) => {
    const { contentType, text } = await readMetrics();
    return context.body(text, 200, { 'content-type': contentType });
  });
  return app;
}

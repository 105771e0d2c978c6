/** Metrics and probes of a part on a port of their own: whatever is done to the port of its clients, these are answered. */
import { Hono } from 'hono';
import { METRICS_PATH, PROBE_PATHS } from '../../api/names.ts';
import { serveHttp, type Serving } from '../serve.ts';
import type { PartMetrics } from './part-metrics.ts';

export interface MetricsListener {
  readonly port: number;
  readonly hostname?: string;
}

export interface Operations extends Pick<PartMetrics, 'readMetrics'> {
  /** Answers the probes of the kubelet; each is answered `ok` when absent. */
  readonly probes?: Hono | undefined;
}

/** Over plain HTTP: there is nothing in it that must be hidden from who may reach the port. @throws {Error} as `serveHttp`. */
export async function serveOperations(
  { readMetrics, probes = createProbes() }: Operations,
  listener: MetricsListener | undefined,
): Promise<Pick<Serving, 'close'>> {
  if (listener === undefined) return { close: () => Promise.resolve() };
  const app = new Hono();
  app.get(METRICS_PATH, async (context) => {
    const { contentType, text } = await readMetrics();
    return context.body(text, 200, { 'content-type': contentType });
  });
  app.route('/', probes);
  return await serveHttp({ app, ...listener, drainMs: 0 });
}

function createProbes(): Hono {
  const app = new Hono();
  for (const path of Object.values(PROBE_PATHS)) app.get(path, (context) => context.text('ok'));
  return app;
}

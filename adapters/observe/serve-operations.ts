/** The figures of a part on a port of their own, which those who use the part have no business on. */
import { Hono } from 'hono';
import { METRICS_PATH } from '../../api/names.ts';
import { serveHttp, type Serving } from '../serve.ts';
import type { PartMetrics } from './part-metrics.ts';

export interface MetricsListener {
  readonly port: number;
  readonly hostname?: string;
}

/** Over plain HTTP: there is nothing in it that must be hidden from who may reach the port. @throws {Error} as `serveHttp`. */
export async function serveMetrics(
  { readMetrics }: Pick<PartMetrics, 'readMetrics'>,
  listener: MetricsListener | undefined,
): Promise<Pick<Serving, 'close'>> {
  if (listener === undefined) return { close: () => Promise.resolve() };
  const app = new Hono();
  app.get(METRICS_PATH, async (context) => {
    const { contentType, text } = await readMetrics();
    return context.body(text, 200, { 'content-type': contentType });
  });
  return await serveHttp({ app, ...listener, drainMs: 0 });
}

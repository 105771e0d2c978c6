/** What the kubelet asks of the webhooks. */
import { Hono } from 'hono';
import { PROBE_PATHS } from '../../api/names.ts';
import type { Result } from '../../core/result.ts';

export interface OperationsPorts {
  /** The error says what is missing. */
  readonly checkReady: () => Promise<Result<void, string>>;
}

export function createOperationsApp({ checkReady }: OperationsPorts): Hono {
  const app = new Hono();
  app.get(PROBE_PATHS.alive, (context) => context.text('ok'));
  app.get(PROBE_PATHS.ready, async (context) => {
    const ready = await checkReady();
    return ready.ok ? context.text('ok') : context.text(ready.error, 503);
  });
  return app;
}

/** The probes of the bridge, which takes no other requests. */
import { Hono } from 'hono';
import { PROBE_PATHS } from '../../api/names.ts';

export interface ProbePorts {
  /** Whether changes of everything that is watched arrive. */
  readonly isWatching: () => boolean;
}

/** Alive as long as it answers; ready, or 503, as `isWatching` says. */
export function createProbeApp({ isWatching }: ProbePorts): Hono {
  const app = new Hono();
  app.get(PROBE_PATHS.alive, (c) => c.text('ok'));
  app.get(PROBE_PATHS.ready, (c) => (isWatching() ? c.text('ok') : c.text('not every watch is open', 503)));
  return app;
}

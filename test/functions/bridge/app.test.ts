import { expect, test } from 'vitest';
import { createProbeApp } from '../../../functions/bridge/app.ts';

test('is alive whatever happens, and ready while every watch is open', async () => {
  const state = { isWatching: false };
  const app = createProbeApp({ isWatching: () => state.isWatching });
  const probe = async (path: string) => (await app.request(path)).status;
  expect([await probe('/healthz'), await probe('/readyz')]).toEqual([200, 503]);
  state.isWatching = true;
  expect([await probe('/healthz'), await probe('/readyz')]).toEqual([200, 200]);
});

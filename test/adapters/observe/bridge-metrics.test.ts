import { expect, it } from 'vitest';
import { createBridgeMetrics } from '../../../adapters/observe/bridge-metrics.ts';

const pools = '/apis/buildkit.smrt-devops.net/v1beta1/buildkitpools';
const event = { headers: {}, body: '' };

async function read(metrics: ReturnType<typeof createBridgeMetrics>, name: string): Promise<readonly string[]> {
  const { text } = await metrics.readMetrics();
  return text.split('\n').filter((line) => line.startsWith(`buildkit_bridge_${name}{`));
}

it('shows whether a watch is open, from the list before it on', async () => {
  const metrics = createBridgeMetrics();
  const isOpen = async () => (await read(metrics, 'watch_open')).map((line) => line.at(-1));
  metrics.observeCall({ path: pools })(200);
  expect(await read(metrics, 'watch_open')).toEqual([
    'buildkit_bridge_watch_open{resource="buildkitpools",part="bridge"} 0',
  ]);
  metrics.setWatching('buildkitpools', true);
  expect(await isOpen()).toEqual(['1']);
  metrics.setWatching('buildkitpools', false);
  expect(await isOpen()).toEqual(['0']);
});

it('counts a list once, however many pages it has', async () => {
  const metrics = createBridgeMetrics();
  metrics.observeCall({ path: pools, query: { limit: '100' } })(200);
  metrics.observeCall({ path: pools, query: { limit: '100', continue: 'token' } })(200);
  expect(await read(metrics, 'lists_total')).toEqual([
    'buildkit_bridge_lists_total{resource="buildkitpools",part="bridge"} 1',
  ]);
});

it('counts delivery attempts by outcome, and shows how many events wait', async () => {
  const metrics = createBridgeMetrics();
  const answers = [200, 202, 503, 400];
  const send = metrics.observeSend('status', () => Promise.resolve(answers.shift() ?? 0));
  for (const expected of [200, 202, 503, 400]) expect(await send(event)).toBe(expected);
  const broken = metrics.observeSend('lifecycle', () => Promise.reject(new Error('fetch failed')));
  await expect(broken(event)).rejects.toThrow('fetch failed');
  metrics.showUndelivered('status', () => 7);
  expect(await read(metrics, 'deliveries_total')).toEqual([
    'buildkit_bridge_deliveries_total{sink="status",outcome="delivered",part="bridge"} 2',
    'buildkit_bridge_deliveries_total{sink="status",outcome="failed",part="bridge"} 1',
    'buildkit_bridge_deliveries_total{sink="status",outcome="malformed",part="bridge"} 1',
    'buildkit_bridge_deliveries_total{sink="lifecycle",outcome="failed",part="bridge"} 1',
  ]);
  expect(await read(metrics, 'undelivered_events')).toEqual([
    'buildkit_bridge_undelivered_events{sink="status",part="bridge"} 7',
  ]);
});

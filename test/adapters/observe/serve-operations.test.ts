import { afterEach, expect, it } from 'vitest';
import { createPartMetrics } from '../../../adapters/observe/part-metrics.ts';
import { serveMetrics } from '../../../adapters/observe/serve-metrics.ts';
import { findFreePort } from '../../../dev/child.ts';

let close = () => Promise.resolve();
afterEach(() => close());

it('shows figures on their port, and nothing else', async () => {
  const port = await findFreePort();
  ({ close } = await serveMetrics(createPartMetrics('status'), { port, hostname: '127.0.0.1' }));
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await answer.text()).toMatch(/^process_resident_memory_bytes\{part="status"\} \d+$/m);
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
});

it('shows nothing where no port is given', async () => {
  const shown = await serveMetrics(createPartMetrics('status'), undefined);
  await expect(shown.close()).resolves.toBeUndefined();
});

it('tells the same figures of a process as the process knows, and no total ever falls', async () => {
  const { readMetrics } = createPartMetrics('status');
  const readCpu = async () => Number(/^process_cpu_seconds_total\{.*\} (\S+)$/m.exec((await readMetrics()).text)?.[1]);
  const before = await readCpu();
  expect(await readCpu()).toBeGreaterThanOrEqual(before);
  const { user, system } = process.cpuUsage();
  expect((user + system) / 1e6).toBeGreaterThanOrEqual(before);
});

import { Hono } from 'hono';
import { afterEach, expect, it } from 'vitest';
import { createPartMetrics } from '../../../adapters/observe/part-metrics.ts';
import { serveOperations } from '../../../adapters/observe/serve-operations.ts';
import { findFreePort } from '../../../dev/child.ts';

let close = () => Promise.resolve();
afterEach(() => close());

it('serves metrics and probes on their port, and nothing else', async () => {
  const port = await findFreePort();
  ({ close } = await serveOperations(createPartMetrics('status'), { port, hostname: '127.0.0.1' }));
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await answer.text()).toMatch(/^process_resident_memory_bytes\{part="status"\} \d+$/m);
  for (const probe of ['healthz', 'readyz'])
    expect((await fetch(`http://127.0.0.1:${port}/${probe}`)).status).toBe(200);
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
});

it('answers probes as the part does that has probes of its own', async () => {
  const port = await findFreePort();
  const probes = new Hono();
  probes.get('/readyz', (context) => context.text('no', 503));
  const operations = { ...createPartMetrics('bridge'), probes };
  ({ close } = await serveOperations(operations, { port, hostname: '127.0.0.1' }));
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(503);
});

it('serves nothing where no port is given', async () => {
  const operations = await serveOperations(createPartMetrics('status'), undefined);
  await expect(operations.close()).resolves.toBeUndefined();
});

it('reports of a process what the process knows, and no total ever falls', async () => {
  const { readMetrics } = createPartMetrics('status');
  const readCpu = async () => Number(/^process_cpu_seconds_total\{.*\} (\S+)$/m.exec((await readMetrics()).text)?.[1]);
  const before = await readCpu();
  expect(await readCpu()).toBeGreaterThanOrEqual(before);
  const { user, system } = process.cpuUsage();
  expect((user + system) / 1e6).toBeGreaterThanOrEqual(before);
});

/** The parts as a cluster runs them, each a process of its own: their metrics, and a trace from event to audit log. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../api/names.ts';
import { makeEvent } from '../../core/events/make.ts';
import { findFreePort, waitUntilAnswering, type Child } from '../../dev/child.ts';
import { find } from '../../dev/control-plane/find.ts';
import { prometheus } from '../../dev/control-plane/table.ts';
import {
  apiPart,
  bridgePart,
  bridgeUser,
  launchPart,
  lifecyclePart,
  statusPart,
  webhooksParts,
} from '../../dev/parts.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { expectApplied, getJson, makeNamespace, makePool, makeWorker, run, stack } from './cluster.ts';

const soon = { timeout: 120_000, interval: 100 };
const names = ['status', 'lifecycle', 'api', 'webhooks', 'bridge'] as const;
type Name = (typeof names)[number];

const ports = new Map<Name, { readonly serving: number; readonly metrics: number }>();
const children: Child[] = [];
let namespace: string;
let promtool: string;

const portsOf = (name: Name) => {
  const found = ports.get(name);
  if (found === undefined) throw new Error(`${name} was not started`);
  return found;
};

function makePart(name: Name) {
  const { serving, metrics } = portsOf(name);
  const settings = { mounts: stack.mounts, kubeUrl: stack.kubeUrl, port: serving, bridgePort: serving };
  const [webhooks] = webhooksParts(settings);
  const parts = {
    status: statusPart(settings, [bridgeUser]),
    lifecycle: lifecyclePart(settings, [bridgeUser]),
    api: apiPart(settings),
    webhooks,
    bridge: bridgePart(settings),
  };
  const part = parts[name];
  if (part === undefined) throw new Error('expected a part of the webhooks');
  const sinks = name === 'bridge' ? { STATUS_URL: eventsUrl('status'), LIFECYCLE_URL: eventsUrl('lifecycle') } : {};
  const environment = { ...part.environment, ...sinks, METRICS_PORT: String(metrics) };
  return { ...part, name: `apart-${name}`, environment };
}

const eventsUrl = (name: 'status' | 'lifecycle') => `http://127.0.0.1:${portsOf(name).serving}/${name}/events`;

async function startPart(name: Name): Promise<void> {
  const child = await launchPart(makePart(name), stack.folder, undefined);
  children.push(child);
  await waitUntilAnswering(child, `http://127.0.0.1:${portsOf(name).metrics}/metrics`, '');
}

beforeAll(async () => {
  ({ promtool } = await find(prometheus));
  for (const name of names) ports.set(name, { serving: await findFreePort(), metrics: await findFreePort() });
  await Promise.all(names.map(startPart));
  namespace = await makeNamespace('metrics');
  await expectApplied(makePool(namespace, 'my-pool'));
  await expectApplied(makeWorker(namespace, 'worker-0', { name: 'my-pool' }));
  await run(['wait', '-n', namespace, 'bkw/worker-0', '--for=condition=ResolvedRefs', '--timeout=120s']);
});
afterAll(async () => {
  await Promise.all(children.map((child) => child.end()));
});

const read = async (name: Name) => (await fetch(`http://127.0.0.1:${portsOf(name).metrics}/metrics`)).text();

/** The sum of the series of this name that hold all of these labels. */
async function sum(name: Name, metric: string, ...labels: readonly string[]): Promise<number> {
  const lines = (await read(name)).split('\n').filter((line) => line.startsWith(`${metric}{`));
  const chosen = lines.filter((line) => labels.every((label) => line.includes(label)));
  return chosen.reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
}

const isOver = (value: number) => value > 0;

describe('the metrics of each part', () => {
  it.each(names)('of %s have names, units and help as Prometheus wants them', async (name) => {
    const text = await read(name);
    const said = await new Promise<string>((resolve) => {
      const child = execFile(promtool, ['check', 'metrics'], (error, stdout, stderr) => {
        resolve(error === null ? stdout + stderr : `${error.message}${stderr}`);
      });
      child.stdin?.end(text);
    });
    expect(said).toBe('');
  });

  it('are there for work that was done', async () => {
    const kind = 'kind="BuildKitPool"';
    const counted = async () =>
      Promise.all([
        sum('status', METRICS.events, kind, 'outcome="done"'),
        sum('status', `${METRICS.recomputeSeconds}_count`),
        sum('status', METRICS.kubeRequests, 'verb="list"', 'resource="buildkitworkers"', 'code="200"'),
        sum('lifecycle', METRICS.events, kind, 'outcome="done"'),
        sum('lifecycle', `${METRICS.recomputeSeconds}_count`),
        sum('bridge', METRICS.deliveries, 'sink="status"', 'outcome="delivered"'),
        sum('bridge', METRICS.watchLists, 'resource="buildkitworkers"'),
        sum('bridge', METRICS.watchOpen, 'resource="buildkitworkers"'),
      ]);
    await expect.poll(async () => (await counted()).every(isOver), soon).toBe(true);
    const nowSeconds = Date.now() / 1000;
    expect(await sum('api', METRICS.clientCaEnd)).toBeGreaterThan(nowSeconds);
    expect(await sum('webhooks', METRICS.servingCertificateEnd)).toBeGreaterThan(nowSeconds);
    expect(await sum('status', METRICS.lastResync)).toBeGreaterThan(nowSeconds - 3600);
  });

  it.each(names)('of %s hold no word of a tenant', async (name) => {
    expect(await read(name)).not.toContain(namespace);
  });

  it.each(['status', 'lifecycle', 'api'] as const)('of %s are not shown where it serves', async (name) => {
    expect((await fetch(`http://127.0.0.1:${portsOf(name).serving}/metrics`)).status).toBe(404);
  });
});

describe('a trace', () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

  it('goes from an event through its run to what the apiserver was asked for', async () => {
    const pool = await getJson<Pool>('-n', namespace, 'buildkitpool/my-pool');
    const kind = { apiVersion: 'buildkit.smrt-devops.net/v1beta1', kind: 'BuildKitPool', plural: 'buildkitpools' };
    // No run has seen this version yet.
    const object = { metadata: { ...pool.metadata, resourceVersion: `${Number(pool.metadata.resourceVersion) + 1}` } };
    const { headers, body } = makeEvent(kind, { change: 'update', object }, { id: 'trace', source: 'test' });
    const token = (await readFile(join(stack.mounts, 'buildkit-bridge/audience-token'), 'utf8')).trim();
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
    const answer = await fetch(eventsUrl('status'), {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${token}`, traceparent },
      body,
    });
    expect(answer.status).toBe(200);
    const logged = async () => (await readFile(join(stack.folder, 'apart-status.log'), 'utf8')).split('\n');
    const find = async () =>
      (await logged()).find((line) => line.includes(traceId) && line.includes('pool recomputed'));
    await expect.poll(find, soon).toContain(`"pool":"${namespace}/my-pool"`);
    const audited = (await readFile(join(stack.folder, 'audit.log'), 'utf8')).split('\n');
    const asked = audited
      .filter((line) => line.includes(`"auditID":"${traceId}-`))
      .map((line) => JSON.parse(line) as AuditLine);
    expect(asked.map(({ verb, objectRef }) => `${verb} ${objectRef.resource}`)).toContain('get buildkitpools');
    expect(new Set(asked.map(({ user }) => user.username))).toEqual(
      new Set(['system:serviceaccount:buildkit-system:buildkit-status']),
    );
  });

  it('begins in the bridge with each change', async () => {
    await run(['annotate', '-n', namespace, 'bkp/my-pool', 'touched=yes']);
    const runs = async () =>
      (await readFile(join(stack.folder, 'apart-lifecycle.log'), 'utf8'))
        .split('\n')
        .filter((line) => line.includes('pool recomputed') && line.includes(namespace))
        .map((line) => (JSON.parse(line) as { traceId: string }).traceId);
    await expect.poll(async () => new Set(await runs()).size, soon).toBeGreaterThan(1);
    for (const id of await runs()) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });
});

interface AuditLine {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef: { readonly resource: string };
}

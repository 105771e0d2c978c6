/** What a person sees of a pool on a real apiserver: conditions that can be waited for, and Events. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Condition } from '../../api/fields.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { expectApplied, getJson, makeNamespace, makePool, makeWorker, run, stack } from './cluster.ts';

const labels = { 'app.kubernetes.io/managed-by': 'buildkit-controller' };
const soon = { timeout: 120_000 };

const makeDeployment = (namespace: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'my-pool-gateway', namespace, labels },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'gateway' } },
    template: {
      metadata: { labels: { app: 'gateway' } },
      spec: { containers: [{ name: 'gateway', image: 'none' }] },
    },
  },
});

const makeService = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'my-pool', namespace, labels },
  spec: { selector: { app: 'gateway' }, ports: [{ port: 1235 }] },
});

/** A pool with a gateway of one Pod, which no kubelet runs: the test says whether it is ready. */
async function makeServedPool(): Promise<string> {
  const namespace = await makeNamespace('conditions');
  const items = [
    JSON.parse(makePool(namespace, 'my-pool')) as object,
    makeDeployment(namespace),
    makeService(namespace),
  ];
  await expectApplied(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await expect.poll(() => run(['get', 'pods', '-n', namespace, '-o', 'name']), soon).toContain('pod/');
  return namespace;
}

async function markPod(namespace: string, status: 'True' | 'False'): Promise<void> {
  const [pod = ''] = (await run(['get', 'pods', '-n', namespace, '-o', 'name'])).split('\n');
  const conditions = [{ type: 'Ready', status, lastTransitionTime: new Date().toISOString() }];
  const patch = JSON.stringify({ status: { phase: 'Running', conditions } });
  await run(['patch', '-n', namespace, pod, '--subresource=status', '--type=merge', '-p', patch]);
}

const waitForReady = (namespace: string, status: 'True' | 'False') =>
  run(['wait', '-n', namespace, 'buildkitpool/my-pool', `--for=condition=Ready=${status}`, '--timeout=120s']);

const getPool = (namespace: string) => getJson<Pool>('-n', namespace, 'buildkitpool/my-pool');

async function readReady(namespace: string): Promise<Condition> {
  const found = (await getPool(namespace)).status?.conditions?.find(({ type }) => type === 'Ready');
  if (found === undefined) throw new Error('expected a condition Ready');
  return found;
}

/** Times of conditions are whole seconds: what happens in the next one can be told from what was before. */
const untilNextSecondAfter = (time: string) =>
  expect.poll(() => Date.now(), { timeout: 120_000, interval: 20 }).toBeGreaterThanOrEqual(Date.parse(time) + 1000);

const describeObject = (namespace: string, object: string) => run(['describe', '-n', namespace, object]);

/** What the functions did with this pool since, one line a run. */
async function readRuns(namespace: string, from = 0): Promise<readonly { outcome: string; traceId: string }[]> {
  const text = (await readFile(join(stack.folder, 'functions.log'))).subarray(from).toString();
  const lines = text
    .split('\n')
    .filter((line) => line.includes('pool recomputed') && line.includes(`"${namespace}/my-pool"`));
  return lines.map((line) => JSON.parse(line) as { outcome: string; traceId: string });
}

describe('a pool whose gateway comes, goes and comes back', () => {
  let namespace: string;
  let last: string;

  it('can be waited for, and shows when its condition changed', async () => {
    namespace = await makeServedPool();
    const times: string[] = [];
    for (const status of ['True', 'False', 'True'] as const) {
      await markPod(namespace, status);
      await waitForReady(namespace, status);
      last = (await readReady(namespace)).lastTransitionTime;
      times.push(last);
      await untilNextSecondAfter(last);
    }
    expect(new Set(times).size).toBe(3);
    expect(times).toEqual(times.toSorted());
  });

  it('keeps that time while something else of it changes', async () => {
    await run(['scale', '-n', namespace, 'deployment/my-pool-gateway', '--replicas=2']);
    await expect.poll(async () => (await getPool(namespace)).status?.gateway?.replicas, soon).toBe(2);
    expect((await readReady(namespace)).lastTransitionTime).toBe(last);
  });

  it('records one Event for each change', async () => {
    const said = await describeObject(namespace, 'bkp/my-pool');
    expect(said).toMatch(/Warning +NoReadyReplica .*0 of 1 gateway replicas are ready/);
    expect(said).toMatch(/Warning +GatewayNotReady /);
    expect(said).toMatch(/Normal +GatewayServing .*\(x2 over \S+\) +buildkit.smrt-devops.net\/status.* 1 of 1/);
    expect(said).toMatch(/Normal +Available .*the pool takes builds/);
  });

  it('records no Event where nothing changes', async () => {
    const events = ['get', 'events', '-n', namespace, '--field-selector=involvedObject.name=my-pool', '-o', 'yaml'];
    const before = await run(events);
    const { size } = await stat(join(stack.folder, 'functions.log'));
    await run(['annotate', '-n', namespace, 'bkp/my-pool', 'touched=yes']);
    const outcomes = async () => (await readRuns(namespace, size)).map(({ outcome }) => outcome);
    await expect.poll(outcomes, soon).toEqual(['unchanged', 'unchanged']);
    expect(await run(events)).toBe(before);
  });
});

describe('a worker whose reference is taken back and given again', () => {
  it('records an Event for both changes', async () => {
    const [owner, guest] = [await makeNamespace('owner'), await makeNamespace('guest')];
    const grant = (from: string) => ({ access: { workers: { namespaces: { from } } } });
    await expectApplied(makePool(owner, 'shared', grant('All')));
    await expectApplied(makeWorker(guest, 'worker-0', { name: 'shared', namespace: owner }));
    const wait = (status: string) =>
      run(['wait', '-n', guest, 'bkw/worker-0', `--for=condition=ResolvedRefs=${status}`, '--timeout=120s']);
    await wait('True');
    // Whoever made it is an administrator, whose right to attach counts without a grant: so the pool goes.
    await run(['delete', 'bkp/shared', '-n', owner]);
    await wait('False');
    await expectApplied(makePool(owner, 'shared', grant('All')));
    await wait('True');
    const said = await describeObject(guest, 'bkw/worker-0');
    expect(said).toMatch(/Warning +PoolNotFound .*buildkit.smrt-devops.net\/lifecycle/);
    expect(said).toMatch(/Normal +Granted /);
  });
});

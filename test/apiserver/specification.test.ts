/** What the specification prints, field by field, in a real pool. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { expectApplied, getJson, makeNamespace, makePool, makeWorker, run } from './cluster.ts';

const folder = join(import.meta.dirname, '../../manifests/examples');
const examples = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));

describe('every example manifest', () => {
  it.each(examples.toSorted((a) => (a === 'tenants.yaml' ? -1 : 0)))('%s applies, twice', async (file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    await expectApplied(text);
    await expectApplied(text);
  });

  it('leaves the cross-namespace worker counted in the shared pool', async () => {
    await run([
      'wait',
      '-n',
      'buildkit-system',
      'bkp/shared-pool',
      '--for=jsonpath={.status.workers.total}=1',
      '--timeout=120s',
    ]);
  });
});

const phases = ['Idle', 'Running', 'Idle', 'Allocated', 'Provisioning'];

/** Five workers in two namespaces, a gateway of two replicas that serves, two open connections. */
async function makeBusyPool(name: string): Promise<string> {
  const namespace = await makeNamespace('owner');
  const elsewhere = await makeNamespace('guest');
  await expectApplied(makePool(namespace, name));
  for (const [index, phase] of phases.entries()) {
    const workerNamespace = index % 2 === 0 ? namespace : elsewhere;
    await expectApplied(makeWorker(workerNamespace, `worker-${index}`, { name, namespace }));
    await patchStatus(workerNamespace, `buildkitworker/worker-${index}`, { phase });
  }
  await run(['apply', '-f', '-'], makeGateway(namespace, name));
  await markPodsReady(namespace, 2);
  return namespace;
}

/** There is no kubelet here: the test says what one would. */
async function markPodsReady(namespace: string, count: number): Promise<void> {
  const listPods = async () => (await run(['get', 'pods', '-n', namespace, '-o', 'name'])).split('\n').filter(Boolean);
  await expect.poll(listPods).toHaveLength(count);
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
  for (const pod of await listPods()) await patchStatus(namespace, pod, { phase: 'Running', conditions });
}

const patchStatus = (namespace: string, object: string, status: object) =>
  run(['patch', '-n', namespace, object, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]);

function makeGateway(namespace: string, pool: string): string {
  const labels = { 'app.kubernetes.io/managed-by': 'buildkit-controller', 'buildkit.smrt-devops.net/pool': pool };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'gateway', image: 'buildkit-controller' }] } };
  const items = [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: `${pool}-gateway`, namespace, labels },
      spec: { replicas: 2, selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: pool, namespace, labels },
      spec: { selector: labels, ports: [{ port: 1235 }] },
    },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

describe('the status of a busy pool', () => {
  it('is what the specification prints', async () => {
    const namespace = await makeBusyPool('my-pool');
    await patchStatus(namespace, 'buildkitpool/my-pool', {
      connections: { active: 2, total: 150, lastConnectionTime: '2025-12-18T23:00:00Z' },
    });
    await expect
      .poll(async () => (await getJson<Pool>('-n', namespace, 'buildkitpool/my-pool')).status)
      .toMatchObject({
        workers: { total: 5, ready: 4, idle: 3, allocated: 1, provisioning: 1, failed: 0 },
        connections: { active: 2, total: 150, lastConnectionTime: '2025-12-18T23:00:00Z' },
        gateway: {
          ready: true,
          replicas: 2,
          readyReplicas: 2,
          deploymentName: 'my-pool-gateway',
          serviceName: 'my-pool',
        },
      });
    const columns = (await run(['get', 'buildkitpool', '-n', namespace]))
      .split('\n')
      .map((line) => line.split(/ +/).slice(0, 7));
    expect(columns.slice(0, 2)).toEqual([
      ['NAME', 'PHASE', 'GATEWAY', 'WORKERS', 'READY', 'ALLOCATED', 'CONNECTIONS'],
      ['my-pool', 'Running', 'true', '5', '4', '1', '2'],
    ]);
  });
});

describe('the columns', () => {
  it.each([
    ['buildkitpools', 'NAME PHASE GATEWAY WORKERS READY ALLOCATED CONNECTIONS AGE'],
    ['buildkitworkers', 'NAME POOL POOL-NAMESPACE PHASE POD AGE'],
    ['buildkitoidcconfigs', 'NAME ISSUER READY AGE'],
  ])('of %s', async (plural, header) => {
    const [line] = (await run(['get', plural, '-n', 'tenant-a'])).split('\n');
    expect(line?.trim().split(/ +/).join(' ')).toBe(header);
  });

  it.each([
    ['buildkitworkers', 'NAME POOL POOL-NAMESPACE PHASE POD AGE PERMITTED REASON'],
    ['buildkitoidcconfigs', 'NAME ISSUER READY AGE REASON'],
  ])('of %s say why with -o wide', async (plural, header) => {
    const [line] = (await run(['get', plural, '-n', 'tenant-a', '-o', 'wide'])).split('\n');
    expect(line?.trim().split(/ +/).join(' ')).toBe(header);
  });

  it('stand for every kind of the category', async () => {
    const names = await run(['get', 'buildkit', '-n', 'tenant-a', '-o', 'name']);
    for (const singular of ['buildkitpool', 'buildkitworker', 'buildkitoidcconfig']) {
      expect(names).toContain(`${singular}.buildkit.smrt-devops.net/`);
    }
  });

  it('show zero as 0', async () => {
    const namespace = await makeNamespace('empty');
    await expectApplied(makePool(namespace, 'minimal-pool'));
    await run([
      'wait',
      '-n',
      namespace,
      'bkp/minimal-pool',
      '--for=jsonpath={.status.phase}=Pending',
      '--timeout=120s',
    ]);
    const [, line] = (await run(['get', 'bkp', '-n', namespace])).split('\n');
    expect(line?.split(/ +/).slice(0, 7)).toEqual(['minimal-pool', 'Pending', 'false', '0', '0', '0', '0']);
  });

  it('select workers by the pool they serve, whoever wrote the namespace', async () => {
    const namespace = await makeNamespace('selected');
    await expectApplied(makePool(namespace, 'pool'));
    await expectApplied(makeWorker(namespace, 'worker', { name: 'pool' }));
    const selector = `--field-selector=spec.poolRef.name=pool,spec.poolRef.namespace=${namespace}`;
    expect(await run(['get', 'bkw', '-A', selector, '-o', 'name'])).toBe(
      'buildkitworker.buildkit.smrt-devops.net/worker\n',
    );
  });
});

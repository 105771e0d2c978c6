/** The status of pools on a real apiserver, with the function and the bridge as they run. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKubeClient, type KubeClient } from '../../adapters/kube/client.ts';
import { createPoolStatusStore } from '../../adapters/kube/pool-status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { apply, getJson, makeNamespace, makePool, makeWorker, run, stack } from './cluster.ts';

const soon = { timeout: 10_000 };

const getPool = (namespace: string) => getJson<Pool>('-n', namespace, 'buildkitpool/my-pool');
const countWorkers = async (namespace: string) => (await getPool(namespace)).status?.workers?.total;

async function makeCountedPool(workers: number): Promise<string> {
  const namespace = await makeNamespace('status');
  const names = Array.from({ length: workers }, (_, index) => `worker-${index}`);
  const items = [
    makePool(namespace, 'my-pool'),
    ...names.map((name) => makeWorker(namespace, name, { name: 'my-pool' })),
  ];
  await apply(
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: items.map((item) => JSON.parse(item) as unknown) }),
  );
  await expect.poll(() => countWorkers(namespace), soon).toBe(workers);
  // Whatever else is written once is written by then.
  await expect.poll(async () => (await getPool(namespace)).metadata.finalizers, soon).toHaveLength(1);
  return namespace;
}

const patchStatus = (namespace: string, status: object) =>
  run([
    'patch',
    '-n',
    namespace,
    'bkp/my-pool',
    '--subresource=status',
    '--type=merge',
    '-p',
    JSON.stringify({ status }),
  ]);

describe('the status of a pool', () => {
  it('counts a burst of workers, and none after they are deleted', async () => {
    const namespace = await makeCountedPool(20);
    await run(['delete', 'buildkitworkers', '-n', namespace, '--all', '--wait=false']);
    await expect.poll(() => countWorkers(namespace), soon).toBe(0);
  });

  it('is repaired when somebody else writes it', async () => {
    const namespace = await makeCountedPool(1);
    await patchStatus(namespace, { phase: 'Failed', gateway: { serviceName: 'stranger' }, workers: { total: 77 } });
    await expect
      .poll(async () => (await getPool(namespace)).status?.gateway, soon)
      .toEqual({ ready: false, replicas: 0, readyReplicas: 0 });
    expect((await getPool(namespace)).status).toMatchObject({ phase: 'Pending', workers: { total: 1 } });
  });
});

describe('POST /status/events', () => {
  const post = (token: string) =>
    fetch(`${stack.apiUrl}/status/events`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token.trim()}`,
        'content-type': 'application/json',
        'ce-specversion': '1.0',
        'ce-id': '1',
        'ce-source': 'test',
        'ce-type': 'dev.knative.sources.ping',
      },
      body: '{"resync":"all"}',
    });
  const readToken = (file: string) => readFile(join(stack.mounts, 'buildkit-bridge', file), 'utf8');

  it('writes nothing in a resync when every status is true', async () => {
    const namespace = await makeCountedPool(1);
    const before = (await getPool(namespace)).metadata.resourceVersion;
    expect((await post(await readToken('audience-token'))).status).toBe(200);
    expect((await getPool(namespace)).metadata.resourceVersion).toBe(before);
  });

  it('refuses a token of the bridge that is meant for the apiserver', async () => {
    expect((await post(await readToken('token'))).status).toBe(401);
  });

  it('refuses a token of our audience whose holder may not send', async () => {
    const audience = '--audience=buildkit.smrt-devops.net';
    expect((await post(await run(['create', 'token', 'default', '-n', 'default', audience]))).status).toBe(401);
  });
});

describe('a write that comes too late', () => {
  const wanted = {
    planSearch: ({ metadata }: Pool) => ({ namespaces: undefined, notOlderThan: metadata.resourceVersion }),
    atLeast: 0,
    withPods: false,
  };
  let kube: KubeClient;
  beforeAll(async () => {
    kube = await createKubeClient({ url: stack.kubeUrl, accountFolder: join(stack.mounts, 'buildkit-status') });
  });
  afterAll(() => {
    kube.close();
  });

  it('is stale when the pool was written since, and gone when it was deleted', async () => {
    const store = createPoolStatusStore(kube);
    const namespace = await makeCountedPool(1);
    const gather = () => store.gather({ namespace, name: 'my-pool' }, wanted);
    const observed = await gather();
    if (observed?.pool.status === undefined) throw new Error('expected a pool with a status');
    const { pool } = observed;
    await run(['label', '-n', namespace, 'bkp/my-pool', 'touched=yes']);
    expect(await store.apply(pool, { ...pool.status, phase: 'Running' })).toBe('stale');
    await run(['delete', '-n', namespace, 'bkp/my-pool']);
    expect(await store.apply(pool, { ...pool.status, phase: 'Running' })).toBe('gone');
    expect(await gather()).toBeUndefined();
  });
});

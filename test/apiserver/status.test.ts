/** The status of pools on a real apiserver, with the function and the bridge as they run. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKubeClient, type KubeClient } from '../../adapters/kube/client.ts';
import { createPoolStatusStore } from '../../adapters/kube/pool-status.ts';
import { FIELD_MANAGERS, SYSTEM_NAMESPACE } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { readUses } from '../dev/audit.ts';
import { expectApplied, getJson, makeNamespace, makePool, makeWorker, run, stack } from './cluster.ts';

const soon = { timeout: 120_000 };

const getPool = (namespace: string) => getJson<Pool>('-n', namespace, 'buildkitpool/my-pool');
const countWorkers = async (namespace: string) => (await getPool(namespace)).status?.workers?.total;

async function makeCountedPool(workers: number): Promise<string> {
  const namespace = await makeNamespace('status');
  const names = Array.from({ length: workers }, (_, index) => `worker-${index}`);
  const items = [
    makePool(namespace, 'my-pool'),
    ...names.map((name) => makeWorker(namespace, name, { name: 'my-pool' })),
  ];
  await expectApplied(
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

const readToken = (file: string) => readFile(join(stack.mounts, 'buildkit-bridge', file), 'utf8');

/** Posts an event, a ping when nothing else is said. */
async function post(
  token: string,
  attributes: Readonly<Record<string, string>> = {},
  body: object = { resync: 'all' },
) {
  const answer = await fetch(`${stack.apiUrl}/status/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token.trim()}`,
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-source': 'test',
      'ce-type': 'dev.knative.sources.ping',
      ...attributes,
    },
    body: JSON.stringify(body),
  });
  await answer.body?.cancel();
  return answer;
}

describe('what is asked of the apiserver', () => {
  /** Of one pool: how often it and its workers were read, and how often it was written, once that has ended. */
  async function countCalls(namespace: string) {
    const count = async () => {
      const uses = await readUses(stack.folder, SYSTEM_NAMESPACE);
      const ours = uses.filter((use) => use.account.endsWith('/buildkit-status') && use.namespace === namespace);
      const of = (verb: string, resource: string) =>
        ours.filter((use) => use.verb === verb && use.resource === resource).length;
      return {
        runs: of('get', 'buildkitpools'),
        lists: of('list', 'buildkitworkers'),
        writes: of('patch', 'buildkitpools/status'),
      };
    };
    let before = await count();
    for (;;) {
      await sleep(1_000);
      const after = await count();
      if (after.runs === before.runs) return after;
      before = after;
    }
  }

  const update = { 'ce-type': 'dev.knative.apiserver.resource.update' };
  const postWorker = async (worker: Worker) =>
    await post(
      await readToken('audience-token'),
      {
        ...update,
        'ce-apiversion': 'buildkit.smrt-devops.net/v1beta1',
        'ce-kind': 'BuildKitWorker',
        'ce-namespace': worker.metadata.namespace,
        'ce-name': worker.metadata.name,
      },
      worker,
    );
  const getWorker = (namespace: string) => getJson<Worker>('-n', namespace, 'buildkitworker/worker-0');
  const at200 = <T>(send: () => Promise<T>) => Promise.all(Array.from({ length: 200 }, send));

  it('is nothing for 200 events of what is in the status already', async () => {
    const namespace = await makeCountedPool(1);
    const worker = await getWorker(namespace);
    const before = await countCalls(namespace);
    const answers = await at200(() => postWorker(worker));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await countCalls(namespace)).toEqual(before);
  });

  it('is two lists and one write for 200 events of what has changed: the second list is after the write', async () => {
    const namespace = await makeCountedPool(1);
    const before = await countCalls(namespace);
    const patch = [
      'buildkitworker/worker-0',
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"status":{"phase":"Idle"}}',
    ];
    await run(['patch', '-n', namespace, ...patch]);
    const worker = await getWorker(namespace);
    const answers = await at200(() => postWorker(worker));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await getPool(namespace)).status?.workers).toMatchObject({ total: 1, idle: 1 });
    const after = await countCalls(namespace);
    expect(after.writes - before.writes).toBe(1);
    expect(after.lists - before.lists).toBeLessThanOrEqual(2);
  });

  it('is one write, and one look after it, when somebody else wrote the status', async () => {
    const namespace = await makeCountedPool(1);
    const before = await countCalls(namespace);
    await patchStatus(namespace, { workers: { total: 77 } });
    await expect.poll(() => countWorkers(namespace), soon).toBe(1);
    const after = await countCalls(namespace);
    expect({ runs: after.runs - before.runs, writes: after.writes - before.writes }).toEqual({ runs: 2, writes: 1 });
  });
});

describe('the OIDC configs that a pool lists', () => {
  const config = (namespace: string, enabled: boolean): string =>
    JSON.stringify({
      apiVersion: 'buildkit.smrt-devops.net/v1beta1',
      kind: 'BuildKitOIDCConfig',
      metadata: { name: 'ci', namespace },
      spec: { issuer: 'https://issuer.example', audience: 'builds', enabled },
    });
  const readRefs = async (namespace: string) =>
    (await getPool(namespace)).status?.conditions?.find(({ type }) => type === 'ResolvedRefs')?.reason;

  it('are looked at again when one of them changes', async () => {
    const namespace = await makeNamespace('refs');
    await expectApplied(makePool(namespace, 'my-pool', { access: { oidc: { configRefs: [{ name: 'ci' }] } } }));
    await expect.poll(() => readRefs(namespace), soon).toBe('ConfigNotFound');
    await expectApplied(config(namespace, false));
    await expect.poll(() => readRefs(namespace), soon).toBe('ConfigNotReady');
    await run(['delete', '-n', namespace, 'buildkitoidcconfig/ci']);
    await expect.poll(() => readRefs(namespace), soon).toBe('ConfigNotFound');
  });
});

describe('POST /status/events', () => {
  it('writes nothing in a resync when every status is true', async () => {
    const namespace = await makeCountedPool(1);
    const before = (await getPool(namespace)).metadata.resourceVersion;
    const token = await readToken('audience-token');
    // 503 where a write of another part came in between; the sender asks again.
    await expect.poll(async () => (await post(token)).status, soon).toBe(200);
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
    planReads: ({ metadata }: Pool) => ({
      namespaces: undefined,
      notOlderThan: metadata.resourceVersion,
      withGateway: true,
    }),
    atLeast: 0,
    withPods: false,
  };
  let kube: KubeClient;
  beforeAll(async () => {
    const accountFolder = join(stack.mounts, 'buildkit-status');
    kube = await createKubeClient({ url: stack.kubeUrl, accountFolder }, { fieldManager: FIELD_MANAGERS.status });
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

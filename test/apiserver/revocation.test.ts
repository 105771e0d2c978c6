/** What becomes of references on a real apiserver, with the functions and the bridge as they run. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Condition } from '../../api/fields.ts';
import { maxReviewAgeMs, minResyncPeriodMs, resyncPeriodMs } from '../../api/limits/status.ts';
import { POOL_FINALIZER, STORAGE_API_VERSION } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { createLog } from '../../adapters/log.ts';
import { wireLifecycle, type WiredLifecycle } from '../../functions/lifecycle/main.ts';
import { apply, getJson, kubectl, makeNamespace, run, stack } from './cluster.ts';
import { readFile } from 'node:fs/promises';

/** What a change of a grant or of labels takes at most. */
const soon = { timeout: 120_000 };

interface World {
  /** Namespace of the pool. */
  readonly owner: string;
  /** Namespace of the worker. */
  readonly tenant: string;
}

const makeWorld = async (): Promise<World> => ({
  owner: await makeNamespace('owner'),
  tenant: await makeNamespace('tenant'),
});

const pool = (namespace: string, spec: Pool['spec'] = {}) => ({
  apiVersion: STORAGE_API_VERSION,
  kind: 'BuildKitPool',
  metadata: { name: 'pool', namespace },
  spec,
});
const worker = ({ owner, tenant }: World, name = 'worker') => ({
  apiVersion: STORAGE_API_VERSION,
  kind: 'BuildKitWorker',
  metadata: { name, namespace: tenant },
  spec: { poolRef: { name: 'pool', namespace: owner } },
});
type Namespaces = NonNullable<NonNullable<NonNullable<Pool['spec']['access']>['workers']>['namespaces']>;
const grant = (namespaces: Namespaces): Pool['spec'] => ({ access: { workers: { namespaces } } });
const closed = grant({ from: 'Same' });
const opened = grant({ from: 'All' });

/** A user who has no right but what a grant or a binding gives. */
const developer = 'dev@tenant';

async function create(object: object, as?: string): Promise<void> {
  const { status, said } = await apply(JSON.stringify(object), as);
  if (status !== 0) throw new Error(said);
}

/** May make workers in the tenant's namespace. */
const letWork = async ({ tenant }: World): Promise<void> => {
  await run(['create', 'rolebinding', 'dev', '-n', tenant, '--clusterrole=buildkit-pool-owner', `--user=${developer}`]);
};
const letAttach = async ({ owner }: World): Promise<void> => {
  await run([
    'create',
    'rolebinding',
    'dev',
    '-n',
    owner,
    '--clusterrole=buildkit-worker-attacher',
    `--user=${developer}`,
  ]);
};

const getWorker = ({ tenant }: World, name = 'worker') =>
  getJson<Worker>('-n', tenant, `buildkitworkers.v1beta1.buildkit.smrt-devops.net/${name}`);
const getPool = ({ owner }: World) => getJson<Pool>('-n', owner, 'buildkitpools.v1beta1.buildkit.smrt-devops.net/pool');
const conditionOf = async (world: World): Promise<Condition | undefined> =>
  (await getWorker(world)).status?.conditions?.find(({ type }) => type === 'ResolvedRefs');
const verdictOf = async (world: World): Promise<string> => {
  const { status, reason } = (await conditionOf(world)) ?? {};
  return `${status ?? 'none'} ${reason ?? ''}`;
};
const countsOf = async (world: World) => {
  const { total, failed } = (await getPool(world)).status?.workers ?? {};
  return { total, failed };
};

const patchStatus = (namespace: string, object: string, status: object) =>
  run(['patch', '-n', namespace, object, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]);

async function makeGranted(spec: Pool['spec']): Promise<World> {
  const world = await makeWorld();
  await letWork(world);
  await create(pool(world.owner, spec));
  return world;
}

describe('a grant', () => {
  it('that is closed revokes, and one that is opened again restores', async () => {
    const world = await makeGranted(opened);
    await create(worker(world), developer);
    await expect.poll(() => verdictOf(world), soon).toBe('True Granted');
    await expect.poll(() => countsOf(world), soon).toEqual({ total: 1, failed: 0 });

    await create(pool(world.owner, closed));
    await expect.poll(() => verdictOf(world), soon).toBe('False RefNotPermitted');
    expect((await conditionOf(world))?.message).toBe(
      `reference to BuildKitPool "${world.owner}/pool" is not permitted by any grant, and user "${developer}" cannot ` +
        `attach resource "buildkitpools" in API group "buildkit.smrt-devops.net" in the namespace "${world.owner}"`,
    );
    await expect.poll(() => countsOf(world), soon).toEqual({ total: 1, failed: 1 });

    await create(pool(world.owner, opened));
    await expect.poll(() => verdictOf(world), soon).toBe('True Granted');
    await expect.poll(() => countsOf(world), soon).toEqual({ total: 1, failed: 0 });
  });

  it('by labels follows the labels of the namespace', async () => {
    const world = await makeGranted(grant({ from: 'Selector', selector: { matchLabels: { team: 'a' } } }));
    await run(['label', 'namespace', world.tenant, 'team=a']);
    await create(worker(world), developer);
    await expect.poll(() => verdictOf(world), soon).toBe('True Granted');
    await run(['label', 'namespace', world.tenant, 'team-']);
    await expect.poll(() => verdictOf(world), soon).toBe('False RefNotPermitted');
    await run(['label', 'namespace', world.tenant, 'team=a']);
    await expect.poll(() => verdictOf(world), soon).toBe('True Granted');
  });
});

describe('the right to attach', () => {
  let lifecycle: WiredLifecycle;
  let now = new Date();
  let token: string;
  /** Every look at it is a resync's distance after the one before: none comes too soon. */
  let passedMs = 0;
  const clock = { nowMs: () => (passedMs += minResyncPeriodMs), pause: () => Promise.resolve() };
  beforeAll(async () => {
    lifecycle = await wireLifecycle(
      {
        kube: { url: stack.kubeUrl, accountFolder: join(stack.mounts, 'buildkit-lifecycle') },
        senders: { by: 'token', users: new Set(['system:serviceaccount:buildkit-system:buildkit-bridge']) },
        isAttachCounted: true,
        now: () => now,
        clock,
      },
      createLog('lifecycle', 'silent'),
    );
    token = (await readFile(join(stack.mounts, 'buildkit-bridge/audience-token'), 'utf8')).trim();
  });
  afterAll(() => {
    lifecycle.close();
  });

  const headers = () => ({
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': '1',
    'ce-source': 'test',
    'ce-type': 'dev.knative.sources.ping',
  });
  /** The function of the test's own clock. */
  const resync = async () =>
    (await lifecycle.app.request('/lifecycle/events', { method: 'POST', headers: headers(), body: '{"resync":"all"}' }))
      .status;

  /** Asked again while the authorizer of the apiserver catches up with a binding. */
  const afterResync = (world: World) => async () => {
    expect(await resync()).toBe(200);
    return await verdictOf(world);
  };

  it('is reviewed again before the last review is 15 minutes old', async () => {
    const world = await makeGranted(closed);
    await letAttach(world);
    await create(worker(world), developer);
    await expect.poll(() => verdictOf(world), soon).toBe('True Authorized');
    expect(await resync()).toBe(200);

    await run(['delete', 'rolebinding', 'dev', '-n', world.owner]);
    expect(await resync()).toBe(200);
    expect(await verdictOf(world)).toBe('True Authorized');
    now = new Date(now.getTime() + maxReviewAgeMs - resyncPeriodMs);
    await expect.poll(afterResync(world), soon).toBe('False RefNotPermitted');

    await letAttach(world);
    await expect.poll(afterResync(world), soon).toBe('True Authorized');
  });

  it('counts for the pool it was given for, and for no later one of that name', async () => {
    const world = await makeGranted(closed);
    await letAttach(world);
    await create(worker(world), developer);
    await expect.poll(() => verdictOf(world), soon).toBe('True Authorized');
    const { uid } = (await getPool(world)).metadata;
    expect((await getWorker(world)).status?.poolUID).toBe(uid);

    await run(['delete', 'buildkitpool', 'pool', '-n', world.owner, '--timeout=120s']);
    await expect.poll(() => verdictOf(world), soon).toBe('False PoolNotFound');
    await create(pool(world.owner, closed));
    await expect.poll(() => verdictOf(world), soon).toBe('False PoolRecreated');
    await create(pool(world.owner, opened));
    await expect.poll(() => verdictOf(world), soon).toBe('True Granted');
    expect((await getWorker(world)).status).toMatchObject({ poolUID: uid, phase: 'Pending' });
  });
});

describe('a pool that is deleted', () => {
  it('goes when none of its workers is in use', async () => {
    const world = await makeGranted(opened);
    await create(worker(world), developer);
    await create(worker(world, 'busy'), developer);
    await expect.poll(() => verdictOf(world), soon).toBe('True Granted');
    await expect.poll(async () => (await getPool(world)).metadata.finalizers, soon).toEqual([POOL_FINALIZER]);
    await patchStatus(world.tenant, 'buildkitworker/busy', { phase: 'Allocated' });

    await run(['delete', 'buildkitpool', 'pool', '-n', world.owner, '--wait=false']);
    await expect.poll(async () => (await getWorker(world)).status?.phase, soon).toBe('Terminating');
    expect((await getPool(world)).metadata.deletionTimestamp).toBeDefined();
    expect((await getWorker(world, 'busy')).status?.phase).toBe('Allocated');

    await patchStatus(world.tenant, 'buildkitworker/busy', { phase: 'Idle' });
    await run(['wait', '--for=delete', 'buildkitpool/pool', '-n', world.owner, '--timeout=120s']);
    // Whoever has no right to the pool is not told whether it exists.
    await expect.poll(() => verdictOf(world), soon).toBe('False RefNotPermitted');
  });

  it('does not wait for a worker that is being deleted by its own owner', async () => {
    const world = await makeGranted(opened);
    const held = worker(world);
    await create({ ...held, metadata: { ...held.metadata, finalizers: ['tenant.example/hold'] } }, developer);
    await expect.poll(() => verdictOf(world), soon).toBe('True Granted');
    await patchStatus(world.tenant, 'buildkitworker/worker', { phase: 'Allocated' });
    await run(['delete', 'buildkitworker', 'worker', '-n', world.tenant, '--wait=false']);
    await run(['delete', 'buildkitpool', 'pool', '-n', world.owner, '--timeout=120s']);
    await run([
      'patch',
      '-n',
      world.tenant,
      'buildkitworker/worker',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":[]}}',
    ]);
  });
});

describe("lifecycle's account", () => {
  const patch = async ({ owner }: World, change: object) => {
    const args = ['patch', '-n', owner, 'buildkitpool/pool', '--type=merge', '-p', JSON.stringify(change)];
    const { stderr } = await kubectl([...args, '--as=system:serviceaccount:buildkit-system:buildkit-lifecycle']);
    return stderr.trim();
  };

  it('changes nothing of a pool but its finalizers', async () => {
    const world = await makeGranted(closed);
    await expect.poll(async () => (await getPool(world)).metadata.finalizers, soon).toEqual([POOL_FINALIZER]);
    expect(await patch(world, { spec: opened })).toContain('lifecycle changes no spec of a pool');
    expect(await patch(world, { metadata: { labels: { a: 'b' } } })).toContain(
      'lifecycle changes no metadata of a pool but its finalizers',
    );
    expect(await patch(world, { metadata: { finalizers: [] } })).toBe('');
    await expect.poll(async () => (await getPool(world)).metadata.finalizers, soon).toEqual([POOL_FINALIZER]);
  });
});

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

interface Place {
  /** Namespace of the pool. */
  readonly owner: string;
  /** Namespace of the worker. */
  readonly tenant: string;
}

const makePlace = async (): Promise<Place> => ({
  owner: await makeNamespace('owner'),
  tenant: await makeNamespace('tenant'),
});

const pool = (namespace: string, spec: Pool['spec'] = {}) => ({
  apiVersion: STORAGE_API_VERSION,
  kind: 'BuildKitPool',
  metadata: { name: 'pool', namespace },
  spec,
});
const worker = ({ owner, tenant }: Place, name = 'worker') => ({
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
const letWork = async ({ tenant }: Place): Promise<void> => {
  await run(['create', 'rolebinding', 'dev', '-n', tenant, '--clusterrole=buildkit-pool-owner', `--user=${developer}`]);
};
const letAttach = async ({ owner }: Place): Promise<void> => {
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

const getWorker = ({ tenant }: Place, name = 'worker') =>
  getJson<Worker>('-n', tenant, `buildkitworkers.v1beta1.buildkit.smrt-devops.net/${name}`);
const getPool = ({ owner }: Place) => getJson<Pool>('-n', owner, 'buildkitpools.v1beta1.buildkit.smrt-devops.net/pool');
const conditionOf = async (place: Place): Promise<Condition | undefined> =>
  (await getWorker(place)).status?.conditions?.find(({ type }) => type === 'ResolvedRefs');
const verdictOf = async (place: Place): Promise<string> => {
  const { status, reason } = (await conditionOf(place)) ?? {};
  return `${status ?? 'none'} ${reason ?? ''}`;
};
const countsOf = async (place: Place) => {
  const { total, failed } = (await getPool(place)).status?.workers ?? {};
  return { total, failed };
};

const patchStatus = (namespace: string, object: string, status: object) =>
  run(['patch', '-n', namespace, object, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]);

async function makeGranted(spec: Pool['spec']): Promise<Place> {
  const place = await makePlace();
  await letWork(place);
  await create(pool(place.owner, spec));
  return place;
}

describe('a grant', () => {
  it('that is closed revokes, and one that is opened again restores', async () => {
    const place = await makeGranted(opened);
    await create(worker(place), developer);
    await expect.poll(() => verdictOf(place), soon).toBe('True Granted');
    await expect.poll(() => countsOf(place), soon).toEqual({ total: 1, failed: 0 });

    await create(pool(place.owner, closed));
    await expect.poll(() => verdictOf(place), soon).toBe('False RefNotPermitted');
    expect((await conditionOf(place))?.message).toBe(
      `reference to BuildKitPool "${place.owner}/pool" is not permitted by any grant, and user "${developer}" cannot ` +
        `attach resource "buildkitpools" in API group "buildkit.smrt-devops.net" in the namespace "${place.owner}"`,
    );
    await expect.poll(() => countsOf(place), soon).toEqual({ total: 1, failed: 1 });

    await create(pool(place.owner, opened));
    await expect.poll(() => verdictOf(place), soon).toBe('True Granted');
    await expect.poll(() => countsOf(place), soon).toEqual({ total: 1, failed: 0 });
  });

  it('by labels follows the labels of the namespace', async () => {
    const place = await makeGranted(grant({ from: 'Selector', selector: { matchLabels: { team: 'a' } } }));
    await run(['label', 'namespace', place.tenant, 'team=a']);
    await create(worker(place), developer);
    await expect.poll(() => verdictOf(place), soon).toBe('True Granted');
    await run(['label', 'namespace', place.tenant, 'team-']);
    await expect.poll(() => verdictOf(place), soon).toBe('False RefNotPermitted');
    await run(['label', 'namespace', place.tenant, 'team=a']);
    await expect.poll(() => verdictOf(place), soon).toBe('True Granted');
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
  const afterResync = (place: Place) => async () => {
    expect(await resync()).toBe(200);
    return await verdictOf(place);
  };

  it('is reviewed again before the last review is 15 minutes old', async () => {
    const place = await makeGranted(closed);
    await letAttach(place);
    await create(worker(place), developer);
    await expect.poll(() => verdictOf(place), soon).toBe('True Authorized');
    expect(await resync()).toBe(200);

    await run(['delete', 'rolebinding', 'dev', '-n', place.owner]);
    expect(await resync()).toBe(200);
    expect(await verdictOf(place)).toBe('True Authorized');
    now = new Date(now.getTime() + maxReviewAgeMs - resyncPeriodMs);
    await expect.poll(afterResync(place), soon).toBe('False RefNotPermitted');

    await letAttach(place);
    await expect.poll(afterResync(place), soon).toBe('True Authorized');
  });

  it('counts for the pool it was given for, and for no later one of that name', async () => {
    const place = await makeGranted(closed);
    await letAttach(place);
    await create(worker(place), developer);
    await expect.poll(() => verdictOf(place), soon).toBe('True Authorized');
    const { uid } = (await getPool(place)).metadata;
    expect((await getWorker(place)).status?.poolUID).toBe(uid);

    await run(['delete', 'buildkitpool', 'pool', '-n', place.owner, '--timeout=120s']);
    await expect.poll(() => verdictOf(place), soon).toBe('False PoolNotFound');
    await create(pool(place.owner, closed));
    await expect.poll(() => verdictOf(place), soon).toBe('False PoolRecreated');
    await create(pool(place.owner, opened));
    await expect.poll(() => verdictOf(place), soon).toBe('True Granted');
    expect((await getWorker(place)).status).toMatchObject({ poolUID: uid, phase: 'Pending' });
  });
});

describe('a pool that is deleted', () => {
  it('goes when none of its workers is in use', async () => {
    const place = await makeGranted(opened);
    await create(worker(place), developer);
    await create(worker(place, 'busy'), developer);
    await expect.poll(() => verdictOf(place), soon).toBe('True Granted');
    await expect.poll(async () => (await getPool(place)).metadata.finalizers, soon).toEqual([POOL_FINALIZER]);
    await patchStatus(place.tenant, 'buildkitworker/busy', { phase: 'Allocated' });

    await run(['delete', 'buildkitpool', 'pool', '-n', place.owner, '--wait=false']);
    await expect.poll(async () => (await getWorker(place)).status?.phase, soon).toBe('Terminating');
    expect((await getPool(place)).metadata.deletionTimestamp).toBeDefined();
    expect((await getWorker(place, 'busy')).status?.phase).toBe('Allocated');

    await patchStatus(place.tenant, 'buildkitworker/busy', { phase: 'Idle' });
    await run(['wait', '--for=delete', 'buildkitpool/pool', '-n', place.owner, '--timeout=120s']);
    // Whoever has no right to the pool is not told whether it exists.
    await expect.poll(() => verdictOf(place), soon).toBe('False RefNotPermitted');
  });

  it('does not wait for a worker that is being deleted by its own owner', async () => {
    const place = await makeGranted(opened);
    const held = worker(place);
    await create({ ...held, metadata: { ...held.metadata, finalizers: ['tenant.example/hold'] } }, developer);
    await expect.poll(() => verdictOf(place), soon).toBe('True Granted');
    await patchStatus(place.tenant, 'buildkitworker/worker', { phase: 'Allocated' });
    await run(['delete', 'buildkitworker', 'worker', '-n', place.tenant, '--wait=false']);
    await run(['delete', 'buildkitpool', 'pool', '-n', place.owner, '--timeout=120s']);
    await run([
      'patch',
      '-n',
      place.tenant,
      'buildkitworker/worker',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":[]}}',
    ]);
  });
});

describe("lifecycle's account", () => {
  const patch = async ({ owner }: Place, change: object) => {
    const args = ['patch', '-n', owner, 'buildkitpool/pool', '--type=merge', '-p', JSON.stringify(change)];
    const { stderr } = await kubectl([...args, '--as=system:serviceaccount:buildkit-system:buildkit-lifecycle']);
    return stderr.trim();
  };

  it('changes nothing of a pool but its finalizers', async () => {
    const place = await makeGranted(closed);
    await expect.poll(async () => (await getPool(place)).metadata.finalizers, soon).toEqual([POOL_FINALIZER]);
    expect(await patch(place, { spec: opened })).toContain('lifecycle changes no spec of a pool');
    expect(await patch(place, { metadata: { labels: { a: 'b' } } })).toContain(
      'lifecycle changes no metadata of a pool but its finalizers',
    );
    expect(await patch(place, { metadata: { finalizers: [] } })).toBe('');
    await expect.poll(async () => (await getPool(place)).metadata.finalizers, soon).toEqual([POOL_FINALIZER]);
  });
});

/** Who may refer to what: every case in both versions and in dry run, with the whole answer. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { LABELS } from '../../api/names.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { administrator, ask, pathOf, type Person } from './asking.ts';
import { run } from './cluster.ts';

const namespaces = ['owner', 'guest', 'rival', 'plain'].map((name) => `refs-${name}`);
const [owner = '', guest = '', rival = '', plain = ''] = namespaces;
const group = 'rbac.authorization.k8s.io';

const select = (selector: object) => ({ from: 'Selector', selector });
const label = (matchLabels: object) => select({ matchLabels });
const require = (key: string, operator: string, ...values: string[]) =>
  select({ matchExpressions: [{ key, operator, ...(values.length > 0 ? { values } : {}) }] });
const metadataName = 'kubernetes.io/metadata.name';

/** Pools of the owner, by what they grant to workers. */
const grants: Record<string, object> = {
  closed: {},
  open: { from: 'All' },
  same: { from: 'Same' },
  none: { from: 'None' },
  'by-name': label({ [metadataName]: guest }),
  'by-names': require(metadataName, 'In', guest, rival),
  'not-by-name': require(metadataName, 'NotIn', guest),
  blue: label({ team: 'blue' }),
  'blue-or-green': require('team', 'In', 'blue', 'green'),
  'not-red': require('team', 'NotIn', 'red'),
  'some-team': require('team', 'Exists'),
  'no-team': require('team', 'DoesNotExist'),
  'blue-by-name': select({
    matchLabels: { team: 'blue' },
    matchExpressions: [{ key: metadataName, operator: 'In', values: [rival] }],
  }),
};

const makePool = (name: string, access: object, version = 'v1beta1') => ({
  apiVersion: `buildkit.smrt-devops.net/${version}`,
  kind: 'BuildKitPool',
  metadata: { name, namespace: owner },
  spec: { access },
});

const bind = (namespace: string, name: string, role: object, subject: object) => ({
  apiVersion: `${group}/v1`,
  kind: 'RoleBinding',
  metadata: { name, namespace },
  roleRef: { apiGroup: group, kind: 'ClusterRole', ...role },
  subjects: [subject],
});
const user = (name: string) => ({ apiGroup: group, kind: 'User', name });
const attacher = { name: 'buildkit-worker-attacher' };
const role = (kind: string, name: string, rule: object) => ({
  apiVersion: `${group}/v1`,
  kind,
  metadata: { name, ...(kind === 'Role' ? { namespace: owner } : {}) },
  rules: [{ apiGroups: ['buildkit.smrt-devops.net'], ...rule }],
});
const bindCluster = (name: string, subject: object) => ({
  apiVersion: `${group}/v1`,
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: { apiGroup: group, kind: 'ClusterRole', name },
  subjects: [subject],
});

beforeAll(async () => {
  const labels: Record<string, object> = { [guest]: { team: 'blue' }, [rival]: { team: 'red' } };
  const items = [
    ...namespaces.map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: labels[name] ?? {} },
    })),
    ...Object.entries(grants).map(([name, granted]) =>
      makePool(name, { workers: { namespaces: { from: 'Same', ...granted } } }),
    ),
    makePool('clients-only', { clients: { namespaces: { from: 'All' } } }),
    role('ClusterRole', 'refs-tenants', { resources: ['*'], verbs: ['create', 'get', 'update', 'patch', 'delete'] }),
    bindCluster('refs-tenants', { apiGroup: group, kind: 'Group', name: 'refs-tenants' }),
    role('ClusterRole', 'refs-viewer', { resources: ['buildkitpools'], verbs: ['get', 'list', 'watch'] }),
    bindCluster('refs-viewer', user('viewer')),
    role('ClusterRole', 'refs-all', { resources: ['buildkitpools'], verbs: ['*'] }),
    bindCluster('refs-all', user('all')),
    role('Role', 'attach-closed', { resources: ['buildkitpools'], resourceNames: ['closed'], verbs: ['attach'] }),
    bind(owner, 'named', { kind: 'Role', name: 'attach-closed' }, user('named')),
    bind(owner, 'attacher', attacher, user('attacher')),
    bind(owner, 'group', attacher, { apiGroup: group, kind: 'Group', name: 'attachers' }),
    bind(owner, 'bot', attacher, { kind: 'ServiceAccount', name: 'bot', namespace: guest }),
    bind(owner, 'consumer', { name: 'buildkit-pool-user' }, user('consumer')),
    bind(owner, 'pool-owner', { name: 'buildkit-pool-owner' }, user('pool-owner')),
    bind(guest, 'elsewhere', attacher, user('elsewhere')),
  ];
  await run(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
});

const tenants = 'refs-tenants';
const person = (name: string, ...groups: string[]): Person => ({ user: name, groups: [tenants, ...groups] });
const account = (namespace: string, name: string): Person =>
  person(`system:serviceaccount:${namespace}:${name}`, 'system:serviceaccounts', `system:serviceaccounts:${namespace}`);
const dev = person('dev');

interface Reference {
  readonly name: string;
  readonly namespace?: string;
}

let made = 0;
const makeWorker = (namespace: string, spec: object, version = 'v1beta1') => ({
  apiVersion: `buildkit.smrt-devops.net/${version}`,
  kind: 'BuildKitWorker',
  metadata: { name: `w-${++made}`, namespace },
  spec,
});

interface Case {
  readonly as: Person;
  readonly workerNamespace: string;
  readonly poolRef: Reference;
  readonly spec?: object;
}

/** The answers to the same worker in both versions, dry and not. The last one stands. */
async function create({ as, workerNamespace, poolRef, spec = {} }: Case) {
  const attempt = async (version: string, query = '') => {
    const worker = makeWorker(workerNamespace, { poolRef, ...spec }, version);
    const path = `${pathOf('buildkitworkers', workerNamespace, undefined, version)}${query}`;
    const { code, body } = await ask<Worker>({ as, method: 'POST', path, body: worker });
    const said = code === 201 ? undefined : body.message.replaceAll(worker.metadata.name, 'NAME');
    return { code, ...(said === undefined ? {} : { said }) };
  };
  return [
    await attempt('v1beta1', '?dryRun=All'),
    await attempt('v1alpha1', '?dryRun=All'),
    await attempt('v1alpha1'),
    await attempt('v1beta1'),
  ];
}

const webhook = 'admission webhook "validate.buildkit.smrt-devops.net" denied the request:';

function expectAnswers(answers: unknown, answer: object): void {
  expect(answers).toEqual([answer, answer, answer, answer]);
}

const forbiddenTo = ({ user: name }: Person, { namespace = '', name: pool }: Reference) => ({
  code: 403,
  said:
    `${webhook} spec.poolRef: Forbidden: reference to BuildKitPool "${namespace}/${pool}" is not permitted by any ` +
    `grant, and user "${name}" cannot attach resource "buildkitpools" in API group "buildkit.smrt-devops.net" ` +
    `in the namespace "${namespace}"`,
});
const absent = (key: string) => ({
  code: 422,
  said: `${webhook} BuildKitWorker.buildkit.smrt-devops.net "NAME" is invalid: spec.poolRef: Not found: "${key}"`,
});
const inOwner = (name: string): Reference => ({ name, namespace: owner });

describe('may refer', () => {
  it.each<[string, Person, string, Reference]>([
    ['a worker of the namespace to a closed pool', dev, owner, inOwner('closed')],
    ['a worker of the namespace to a pool for Same', dev, owner, inOwner('same')],
    ['a worker of the namespace to a pool for None, which means Same', dev, owner, inOwner('none')],
    ['a worker of the namespace to a pool for others', dev, owner, inOwner('blue')],
    ['a worker of the namespace that leaves it out', dev, owner, { name: 'closed' }],
    ['a ServiceAccount of the namespace', account(owner, 'default'), owner, inOwner('closed')],
    ['a stranger who writes in the namespace', account(rival, 'default'), owner, inOwner('closed')],
    ['a guest to a pool for All', dev, guest, inOwner('open')],
    ['another guest to a pool for All', dev, rival, inOwner('open')],
    ['a guest without labels to a pool for All', dev, plain, inOwner('open')],
    ['a ServiceAccount of a guest to a pool for All', account(guest, 'default'), guest, inOwner('open')],
    ['a guest by its name', dev, guest, inOwner('by-name')],
    ['a guest by one of the names', dev, rival, inOwner('by-names')],
    ['a guest that is not the one left out', dev, rival, inOwner('not-by-name')],
    ['a guest by its label', dev, guest, inOwner('blue')],
    ['a guest by one of the values', dev, guest, inOwner('blue-or-green')],
    ['a guest whose label is not the one left out', dev, guest, inOwner('not-red')],
    ['a guest without the label that is left out', dev, plain, inOwner('not-red')],
    ['a guest that has the label', dev, rival, inOwner('some-team')],
    ['a guest that has not', dev, plain, inOwner('no-team')],
    ['a user who may attach', person('attacher'), guest, inOwner('closed')],
    ['a user who may attach, to a pool for None', person('attacher'), guest, inOwner('none')],
    ['a user who may attach, from anywhere', person('attacher'), plain, inOwner('same')],
    [
      'a user who may attach, whose namespace another grant leaves out',
      person('attacher'),
      guest,
      inOwner('not-by-name'),
    ],
    ['a member of a group that may attach', person('member', 'attachers'), guest, inOwner('closed')],
    ['a ServiceAccount that may attach', account(guest, 'bot'), guest, inOwner('closed')],
    ['a ServiceAccount that may attach, from another namespace', account(guest, 'bot'), rival, inOwner('closed')],
    ['a user who may attach to this pool alone', person('named'), guest, inOwner('closed')],
    ['a user who may do all with pools', person('all'), guest, inOwner('closed')],
    ['who owns the pools', person('pool-owner'), guest, inOwner('closed')],
    ['an administrator', administrator, guest, inOwner('closed')],
  ])('%s', async (_, as, workerNamespace, poolRef) => {
    expectAnswers(await create({ as, workerNamespace, poolRef }), { code: 201 });
  });
});

describe('may not refer', () => {
  it.each<[string, Person, string, Reference]>([
    ['a guest to a closed pool', dev, guest, inOwner('closed')],
    ['a guest to a pool for Same', dev, guest, inOwner('same')],
    ['a guest to a pool for None', dev, guest, inOwner('none')],
    ['a guest to a pool for clients', dev, guest, inOwner('clients-only')],
    ['a guest that is not the one named', dev, rival, inOwner('by-name')],
    ['a guest that is none of those named', dev, plain, inOwner('by-names')],
    ['a guest that is left out by name', dev, guest, inOwner('not-by-name')],
    ['a guest of another label', dev, rival, inOwner('blue')],
    ['a guest without labels', dev, plain, inOwner('blue')],
    ['a guest of none of the values', dev, rival, inOwner('blue-or-green')],
    ['a guest whose label is left out', dev, rival, inOwner('not-red')],
    ['a guest without the label', dev, plain, inOwner('some-team')],
    ['a guest with the label', dev, guest, inOwner('no-team')],
    ['a guest of the label and another name', dev, guest, inOwner('blue-by-name')],
    ['a guest of the name and another label', dev, rival, inOwner('blue-by-name')],
    ['a ServiceAccount of a guest', account(guest, 'default'), guest, inOwner('closed')],
    ['a ServiceAccount named like one that may', account(rival, 'bot'), rival, inOwner('closed')],
    ['a ServiceAccount of the owner, from elsewhere', account(owner, 'default'), guest, inOwner('closed')],
    ['a user named like a group that may', person('attachers'), guest, inOwner('closed')],
    ['a member of a group named like a user that may', person('member', 'attacher'), guest, inOwner('closed')],
    ['a user who may attach to another pool', person('named'), guest, inOwner('same')],
    ['a user who may attach elsewhere', person('elsewhere'), guest, inOwner('closed')],
    ['a user who may use the pool', person('consumer'), guest, inOwner('closed')],
    ['a user who may read the pool', person('viewer'), guest, inOwner('closed')],
    ['a guest to a pool that is not there', dev, guest, inOwner('missing')],
    ['a user who may attach to another pool, to one that is not there', person('named'), guest, inOwner('missing')],
    ['a guest to a namespace that is not there', dev, guest, { name: 'open', namespace: 'refs-missing' }],
    [
      'a user who may attach in another namespace',
      person('attacher'),
      guest,
      { name: 'open', namespace: 'refs-missing' },
    ],
    ['a guest to a pool named like an open one', dev, guest, { name: 'open', namespace: rival }],
  ])('%s', async (_, as, workerNamespace, poolRef) => {
    expectAnswers(await create({ as, workerNamespace, poolRef }), forbiddenTo(as, poolRef));
  });
});

describe('is told that there is no pool', () => {
  const nowhere = { name: 'x', namespace: 'refs-missing' };
  it.each<[string, string, Case]>([
    ['a worker of the namespace', `${owner}/missing`, { as: dev, workerNamespace: owner, poolRef: inOwner('missing') }],
    [
      'a guest that leaves out the namespace',
      `${guest}/open`,
      { as: dev, workerNamespace: guest, poolRef: { name: 'open' } },
    ],
    [
      'who may attach',
      `${owner}/missing`,
      { as: person('attacher'), workerNamespace: guest, poolRef: inOwner('missing') },
    ],
    [
      'an administrator',
      `${owner}/missing`,
      { as: administrator, workerNamespace: guest, poolRef: inOwner('missing') },
    ],
    [
      'an administrator, of no namespace',
      'refs-missing/x',
      { as: administrator, workerNamespace: guest, poolRef: nowhere },
    ],
  ])('%s', async (_, key, attempt) => {
    expectAnswers(await create(attempt), absent(key));
  });
});

describe('a stamp that the manifest brings', () => {
  const forged = { requester: { username: 'attacher', groups: ['system:masters'] } };

  it('gives no rights', async () => {
    const poolRef = inOwner('closed');
    expectAnswers(await create({ as: dev, workerNamespace: guest, poolRef, spec: forged }), forbiddenTo(dev, poolRef));
  });

  it('is replaced by the truth', async () => {
    const body = makeWorker(guest, { poolRef: inOwner('open'), ...forged });
    const answer = await ask<Worker>({ as: dev, method: 'POST', path: pathOf('buildkitworkers', guest), body });
    expect(answer).toMatchObject({
      code: 201,
      body: { spec: { requester: { username: 'dev', groups: [tenants, 'system:authenticated'] } } },
      warnings: ['spec.requester: is written by admission, the value given was replaced'],
    });
  });
});

/** A worker of the guest, as it is stored. */
async function makeStored(pool: string, as = dev): Promise<Worker> {
  const body = makeWorker(guest, { poolRef: inOwner(pool) });
  const answer = await ask<Worker>({ as, method: 'POST', path: pathOf('buildkitworkers', guest), body });
  expect(answer).toMatchObject({ code: 201 });
  return answer.body;
}

const change = async ({ metadata: { namespace, name } }: Worker, patch: object, version?: string, as = dev) => {
  const path = pathOf('buildkitworkers', namespace, name, version);
  const { code, body } = await ask<Worker>({ as, method: 'PATCH', path, body: patch });
  return code === 200 ? { code } : { code, said: body.message.replaceAll(name, 'NAME') };
};
/** A PUT of what is there now: the controller may have written the status since the object was read. */
async function replace({ metadata: { namespace, name } }: Worker, body: object) {
  const path = pathOf('buildkitworkers', namespace, name);
  for (;;) {
    const { resourceVersion } = (await ask<Worker>({ as: administrator, method: 'GET', path })).body.metadata;
    const metadata = { name, namespace, resourceVersion };
    const answer = await ask<Worker>({ as: dev, method: 'PUT', path, body: { ...body, metadata } });
    if (answer.code !== 409) return answer;
  }
}

const immutable = (field: string) => ({
  code: 422,
  said: `BuildKitWorker.buildkit.smrt-devops.net "NAME" is invalid: ${field}: Forbidden: field is immutable`,
});
const setGrant = async (pool: string, access: object) => {
  const body = { spec: { access: { workers: { namespaces: null, ...access } } } };
  return await ask({ as: administrator, method: 'PATCH', path: pathOf('buildkitpools', owner, pool), body });
};
const lease = { jobID: 'job', token: `sha256:${'0'.repeat(64)}`, acquiredAt: '2026-01-01T00:00:00Z' };
const part = (name: string): Person => ({
  user: `system:serviceaccount:buildkit-system:${name}`,
  groups: ['system:masters'],
});
const makeLeaseLabels = (value: string | null) => ({ [LABELS.lease]: value, [LABELS.leaseUID]: value });
/** As `allocation` does, which alone may. */
const lend = (worker: Worker) => {
  const labels = { ...makeLeaseLabels('lease'), [LABELS.domain]: 'domain' };
  return change(worker, { metadata: { labels }, spec: { lease } }, undefined, part('buildkit-controller'));
};
/** As `lifecycle` does. */
const takeBack = (worker: Worker) => {
  const patch = { metadata: { labels: makeLeaseLabels(null) }, spec: { lease: null } };
  return change(worker, patch, undefined, part('buildkit-lifecycle'));
};

describe('a stored reference', () => {
  it.each(['v1beta1', 'v1alpha1'])('never changes, in %s', async (version) => {
    const worker = await makeStored('open');
    const at = (spec: object) => change(worker, { spec }, version);
    expect(await at({ poolRef: { name: 'by-name' } })).toEqual(immutable('spec.poolRef'));
    expect(await at({ poolRef: { namespace: guest } })).toEqual(immutable('spec.poolRef'));
    expect(await at({ requester: { username: 'admin' } })).toEqual(immutable('spec.requester'));
    expect(await at({ requester: { groups: ['system:masters'] } })).toEqual(immutable('spec.requester'));
  });

  it('is put back where a replace leaves it out', async () => {
    const worker = await makeStored('open');
    const manifest = makeWorker(guest, { poolRef: inOwner('open') });
    expect(await replace(worker, manifest)).toMatchObject({ code: 200, body: { spec: worker.spec } });
    const bare = { ...manifest, spec: { poolRef: { name: 'open' } } };
    expect(await replace(worker, bare)).toMatchObject({ code: 200, body: { spec: worker.spec } });
    expect(await change(worker, { spec: { requester: null, poolRef: { namespace: null } } })).toEqual({ code: 200 });
  });

  it('outlives its grant: labels, lease, status, finalizers and deletion go on', async () => {
    await run(['apply', '-f', '-'], JSON.stringify(makePool('fleeting', { workers: { namespaces: { from: 'All' } } })));
    const worker = await makeStored('fleeting');
    expect((await setGrant('fleeting', {})).warnings).toEqual(['1 worker in 1 namespace loses access']);
    expectAnswers(
      await create({ as: dev, workerNamespace: guest, poolRef: inOwner('fleeting') }),
      forbiddenTo(dev, inOwner('fleeting')),
    );
    expect(await change(worker, { metadata: { labels: { a: 'b' }, finalizers: ['tenant.example/hold'] } })).toEqual({
      code: 200,
    });
    expect(await lend(worker)).toEqual({ code: 200 });
    expect(await change(worker, { spec: { lease: { ...lease, jobID: 'other' } } })).toMatchObject({ code: 403 });
    expect(await takeBack(worker)).toEqual({ code: 200 });
    expect(await change(worker, { spec: { lease } })).toMatchObject({ code: 403 });
    const status = {
      path: `${pathOf('buildkitworkers', guest, worker.metadata.name)}/status`,
      body: { status: { phase: 'Idle' } },
    };
    expect((await ask({ as: dev, method: 'PATCH', ...status })).code).toBe(200);
    const remove = { as: dev, method: 'DELETE' as const, path: pathOf('buildkitworkers', guest, worker.metadata.name) };
    expect((await ask(remove)).code).toBe(200);
    // Held by the tenant's own finalizer: it is being deleted, and still bound to what it was.
    expect(await change(worker, { spec: { poolRef: { name: 'open' } } })).toEqual(immutable('spec.poolRef'));
    expect(await change(worker, { spec: { requester: { username: 'admin' } } })).toEqual(immutable('spec.requester'));
    expect(await lend(worker)).toEqual({ code: 200 });
    expect(await change(worker, { metadata: { finalizers: null } })).toEqual({ code: 200 });
  });

  it('may be changed by who could not have made it', async () => {
    const worker = await makeStored('closed', person('attacher'));
    expect(await lend(worker)).toEqual({ code: 200 });
  });

  it('gives nothing to a pool that was made anew', async () => {
    const pool = JSON.stringify(makePool('recreated', { workers: { namespaces: { from: 'All' } } }));
    await run(['apply', '-f', '-'], pool);
    const worker = await makeStored('recreated');
    const removed = await ask({
      as: administrator,
      method: 'DELETE',
      path: pathOf('buildkitpools', owner, 'recreated'),
    });
    expect(removed.warnings).toEqual([
      '1 worker in 1 namespace still refers to this pool: it goes when none of them is allocated',
    ]);
    await run(['wait', '--for=delete', '-n', owner, 'bkp/recreated', '--timeout=120s']);
    expect(await lend(worker)).toEqual({ code: 200 });
    await run(['apply', '-f', '-'], JSON.stringify(makePool('recreated', {})));
    expectAnswers(
      await create({ as: dev, workerNamespace: guest, poolRef: inOwner('recreated') }),
      forbiddenTo(dev, inOwner('recreated')),
    );
    expect(await change(worker, { metadata: { labels: { a: 'b' } } })).toEqual({ code: 200 });
  });
});

describe('a worker from before admission', () => {
  const unchecked = 'refs-before';

  /** Lets the webhooks look away from namespaces of this label: there a worker is stored as it was in those days. */
  beforeAll(async () => {
    const selector = { matchExpressions: [{ key: 'before-admission', operator: 'DoesNotExist' }] };
    for (const kind of ['mutating', 'validating']) {
      const patch = [{ op: 'add', path: '/webhooks/0/namespaceSelector', value: selector }];
      await run([
        'patch',
        `${kind}webhookconfiguration/buildkit-controller`,
        '--type=json',
        '-p',
        JSON.stringify(patch),
      ]);
    }
    await run(['create', 'namespace', unchecked]);
    await run(['label', 'namespace', unchecked, 'before-admission=']);
    await run(
      ['apply', '-f', '-'],
      JSON.stringify({ ...makePool('pool', {}), metadata: { name: 'pool', namespace: unchecked } }),
    );
    for (const poolRef of [{ name: 'pool' }, inOwner('closed')]) {
      const body = makeWorker(unchecked, { poolRef }, 'v1alpha1');
      const path = pathOf('buildkitworkers', unchecked, undefined, 'v1alpha1');
      const store = async () => {
        const { code, body: stored } = await ask<Worker>({ as: dev, method: 'POST', path: `${path}?dryRun=All`, body });
        return code === 201 && stored.spec.requester === undefined;
      };
      await vi.waitUntil(store, { timeout: 120_000 });
      workers.push((await ask<Worker>({ as: dev, method: 'POST', path, body })).body);
    }
    await run(['label', 'namespace', unchecked, 'before-admission-']);
    const isChecked = async () => {
      const body = makeWorker(unchecked, { poolRef: { name: 'pool' } });
      const path = `${pathOf('buildkitworkers', unchecked)}?dryRun=All`;
      return (await ask<Worker>({ as: dev, method: 'POST', path, body })).body.spec.requester !== undefined;
    };
    await vi.waitUntil(isChecked, { timeout: 120_000 });
  });
  const workers: Worker[] = [];

  it.each([0, 1])('keeps working without a stamp (%i)', async (index) => {
    const worker = workers[index] as Worker;
    expect(await lend(worker)).toEqual({ code: 200 });
    expect(await change(worker, { metadata: { labels: { a: 'b' } } })).toEqual({ code: 200 });
  });

  it.each([0, 1])('never gets a stamp later (%i)', async (index) => {
    const worker = workers[index] as Worker;
    const stamp = { username: 'dev', groups: [tenants, 'system:authenticated'] };
    expect(await change(worker, { spec: { requester: stamp } })).toEqual(immutable('spec.requester'));
  });
});

/** Every part does all that its code does, on a system of its own whose apiserver writes down who asked for what. */
import { hash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LEASES_PATH, RENEW_PATH } from '../../api/http/leases.ts';
import { makeLease } from '../../core/allocation/lease.ts';
import {
  LABELS,
  LIFECYCLE_EVENTS_PATH,
  STATUS_EVENTS_PATH,
  STATUS_REPORTS_PATH,
  TOKEN_AUDIENCE,
  WORKER_TOKEN_AUDIENCE,
} from '../../api/names.ts';
import { STORAGE_API_VERSION, SYSTEM_NAMESPACE } from '../../api/names.ts';
import { OIDC_CONFIG_REASONS } from '../../core/status/reasons.ts';
import { generateKeyPair } from '../../adapters/x509/keys.ts';
import { makeCsr } from '../../adapters/x509/make-csr.ts';
import { KEYS_PATH, WORKER_KEYS_PATH } from '../../api/http/keys.ts';
import { makeResync } from '../../core/events/make.ts';
import { findFreePort } from '../../dev/child.ts';
import { expectSuccess } from '../../dev/kubectl.ts';
import { bridgePart, developmentImages, functionsPart } from '../../dev/parts.ts';
import { bringUp, type Stack } from '../../dev/stack.ts';
import { createWatchdog } from '../../dev/watchdog.ts';
import { readUses, writeAuditFlags } from './audit.ts';
import { compare, listRights, type BindingObject, type Comparison, type Right, type RoleObject } from './rights.ts';
import { runAuthorityAt } from './webhooks.ts';

const day = 24 * 60 * 60 * 1000;

let stack: Stack;
let folder: string;
/** What gateways were given. */
let grants: readonly Right[] = [];
const run = (args: readonly string[], input?: string): Promise<string> => expectSuccess(stack.kubectl, args, input);

async function startAudited(): Promise<() => Promise<void>> {
  folder = await mkdtemp(join(tmpdir(), 'rights-'));
  const apiserverFlags = await writeAuditFlags(folder);
  const watchdog = createWatchdog();
  stack = await bringUp({
    folder,
    port: await findFreePort(),
    apiserverFlags,
    watch: watchdog.watch,
    parts: (settings) => [functionsPart(settings, 'on'), bridgePart(settings)],
  });
  // Which image of ours the Pods of workers may have.
  const image = `--from-literal=image=${developmentImages.ours}`;
  await run(['create', 'configmap', 'buildkit-install', '-n', SYSTEM_NAMESPACE, image]);
  return async () => {
    await stack.stop();
    watchdog.release();
    await rm(folder, { recursive: true, force: true });
  };
}

const make = (kind: string, namespace: string, name: string, spec: object = {}) => ({
  apiVersion: STORAGE_API_VERSION,
  kind,
  metadata: { namespace, name },
  spec,
});

const write = (...items: readonly object[]): Promise<string> =>
  run(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

const post = async (path: string, headers: Readonly<Record<string, string>>, body: string): Promise<number> =>
  (await fetch(`${stack.apiUrl}${path}`, { method: 'POST', headers, body })).status;

const pools = (...names: string[]): string => JSON.stringify({ pools: names });
const asJson = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });

/** Whose issuer is looked at as its status is computed. */
const closed = make('BuildKitPool', 'owner', 'closed', { access: { oidc: { configRefs: [{ name: 'issuer' }] } } });

/** Grants of every kind, workers of two namespaces, and what narrows and takes away. */
async function writeObjects(): Promise<void> {
  for (const namespace of ['owner', 'guest']) await run(['create', 'namespace', namespace]);
  await run(['label', 'namespace', 'guest', 'team=guests']);
  const selected = { from: 'Selector', selector: { matchLabels: { team: 'guests' } } };
  const access = { workers: { namespaces: selected }, clients: { namespaces: selected } };
  await write(make('BuildKitPool', 'owner', 'open', { access }), closed);
  const poolRef = (name: string) => ({ poolRef: { name, namespace: 'owner' } });
  await write(
    make('BuildKitWorker', 'guest', 'attached', poolRef('closed')),
    make('BuildKitOIDCConfig', 'owner', 'issuer', { issuer: 'https://issuer.example', audience: 'builds' }),
  );
  // By somebody whom the grant alone lets in: an administrator may attach whatever it says.
  await run(['create', 'rolebinding', 'dev', '-n', 'guest', '--clusterrole=buildkit-pool-owner', '--user=dev@guest']);
  const granted = JSON.stringify(make('BuildKitWorker', 'guest', 'granted', poolRef('open')));
  await run(['apply', '--as=dev@guest', '-f', '-'], granted);
  await run(['wait', 'buildkitworkers', '--all', '-n', 'guest', '--for=condition=ResolvedRefs', '--timeout=120s']);
  await run(['wait', 'buildkitoidcconfigs', '--all', '-n', 'owner', '--for=condition=Ready=False', '--timeout=120s']);
  await takeAwayAndGiveBack(access);
}

/** Twice, so that what is told of it the second time is told as a repetition. */
async function takeAwayAndGiveBack(access: { readonly workers: object; readonly clients: object }): Promise<void> {
  const issuer = { issuer: 'https://issuer.example', audience: 'builds' };
  const closed = {
    ...access,
    workers: { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'nobody' } } } },
  };
  for (const isTaken of [true, false, true]) {
    // Narrowing warns who loses access, which has to be found out.
    await write(
      make('BuildKitPool', 'owner', 'open', { access: isTaken ? closed : access }),
      make('BuildKitOIDCConfig', 'owner', 'issuer', { ...issuer, enabled: !isTaken }),
    );
    const resolved = `--for=condition=ResolvedRefs=${isTaken ? 'False' : 'True'}`;
    await run(['wait', 'buildkitworker/granted', '-n', 'guest', resolved, '--timeout=120s']);
    const reason = isTaken ? OIDC_CONFIG_REASONS.disabled : OIDC_CONFIG_REASONS.discoveryFailed;
    const condition = `--for=jsonpath={.status.conditions[0].reason}=${reason}`;
    await run(['wait', 'buildkitoidcconfig/issuer', '-n', 'owner', condition, '--timeout=120s']);
  }
}

/** What happens to an object for the second time is told by a change of the Event of the first. */
async function changeBackAndForth(): Promise<void> {
  const waitFor = (object: string, type: string, reason: string) =>
    run(
      ['wait', object, '-n', object.startsWith('bkw') ? 'guest' : 'owner', '--timeout=120s'].concat(
        `--for=jsonpath={.status.conditions[?(@.type=="${type}")].reason}=${reason}`,
      ),
    );
  for (const isEnabled of [false, true, false]) {
    await run([
      'patch',
      'bkoidc/issuer',
      '-n',
      'owner',
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { enabled: isEnabled } }),
    ]);
    await waitFor('bkoidc/issuer', 'Ready', isEnabled ? 'DiscoveryFailed' : 'Disabled');
  }
  for (const isLast of [false, true]) {
    await run(['delete', 'bkp/closed', '-n', 'owner']);
    await waitFor('bkw/attached', 'ResolvedRefs', 'PoolNotFound');
    await write(closed);
    if (!isLast) await waitFor('bkw/attached', 'ResolvedRefs', 'PoolRecreated');
  }
}

async function askForCertificates(): Promise<void> {
  const token = (await run(['create', 'token', 'default', '-n', 'guest', `--audience=${TOKEN_AUDIENCE}`])).trim();
  expect(await post('/api/v1/certs/request', asJson(token), pools('owner/open'))).toBe(200);
  // Its namespace is not selected, and nobody gave it the right: that is reviewed.
  const other = (await run(['create', 'token', 'default', '-n', 'default', `--audience=${TOKEN_AUDIENCE}`])).trim();
  expect(await post('/api/v1/certs/request', asJson(other), pools('owner/open'))).toBe(403);
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const claims = { iss: 'https://issuer.example', aud: 'builds', exp: Math.floor(Date.now() / 1000) + 600 };
  const foreign = `${encode({ alg: 'ES256', kid: 'key' })}.${encode(claims)}.${encode({})}`;
  expect([401, 503]).toContain(await post('/api/v1/certs/request', asJson(foreign), pools('owner/open')));
}

const wait = (object: string, condition: string): Promise<string> =>
  run(['wait', object, '-n', 'owner', condition, '--timeout=60s']);
const patch = (object: string, spec: object): Promise<string> =>
  run(['patch', object, '-n', 'owner', '--type=merge', '-p', JSON.stringify({ spec })]);

/** A pool with a worker of its own: nothing runs them here, and everything is made. */
async function makeAndUnmake(): Promise<void> {
  const exposure = { ingress: { enabled: true } };
  await write(make('BuildKitPool', 'owner', 'made', { gateway: { exposure } }));
  await write(make('BuildKitWorker', 'owner', 'worker', { poolRef: { name: 'made', namespace: 'owner' } }));
  await wait('buildkitworker/worker', '--for=jsonpath={.status.phase}=Provisioning');
  await wait('ingress/made-gateway', '--for=create');
  const gateway = await readPod('buildkit.smrt-devops.net/pool=made');
  const csr = makeCsr(generateKeyPair());
  await askForKeys('made-gateway', gateway, {
    path: KEYS_PATH,
    audience: TOKEN_AUDIENCE,
    body: { pool: 'made', serverCsr: csr, clientCsr: csr },
  });
  const worker = await readPod('buildkit.smrt-devops.net/worker-pool=made');
  await askForKeys('default', worker, {
    path: WORKER_KEYS_PATH,
    audience: WORKER_TOKEN_AUDIENCE,
    body: { worker: 'worker', serverCsr: csr },
  });
  grants = listRights(await readRoles<RoleObject>('roles'), [madeBinding]);
  await giveAndTake();
  await patch('buildkitpool/made', { gateway: { enabled: false, exposure: null } });
  await wait('deployment/made-gateway', '--for=delete');
  await run(['delete', 'buildkitpool/made', '-n', 'owner']);
}

/** A lease that nobody renewed, one that a worker has without a Lease, and workers that are kept ready and then no more. */
async function giveAndTake(): Promise<void> {
  const uid = await run(['get', 'buildkitpool/made', '-n', 'owner', '-o=jsonpath={.metadata.uid}']);
  const lease = makeLease(
    { metadata: { name: 'made', namespace: 'owner', uid, resourceVersion: '' }, spec: {} },
    { lease: '0'.repeat(32), token: '', principal: 'nobody', domain: '0', issuedAtMs: 0, gateway: '' },
    undefined,
    new Date(0),
  );
  await write({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...lease });
  await wait(`lease/${lease.metadata.name}`, '--for=delete');
  await run([
    ...['patch', 'buildkitworker/worker', '-n', 'owner', '--type=merge'],
    // Nobody else gives a lease.
    `--as=system:serviceaccount:${SYSTEM_NAMESPACE}:buildkit-controller`,
    '-p',
    JSON.stringify({
      metadata: { labels: { [LABELS.domain]: '0', [LABELS.lease]: '0', [LABELS.leaseUID]: '0' } },
      spec: { lease: { jobID: 'job', token: `sha256:${'0'.repeat(64)}`, acquiredAt: '2026-01-01T00:00:00Z' } },
    }),
  ]);
  await wait('buildkitworker/worker', '--for=jsonpath={.status.lastActivityAt}');
  await patch('buildkitpool/made', { workers: { scaling: { min: 2 } } });
  await wait('buildkitpool/made', '--for=jsonpath={.status.workers.total}=2');
  await patch('buildkitpool/made', { workers: { scaling: { min: 0, max: 1 } } });
  await wait('buildkitpool/made', '--for=jsonpath={.status.workers.total}=1');
}

/** What lifecycle gives to a gateway it must have itself. */
const madeBinding: BindingObject = {
  metadata: { name: 'made-gateway', namespace: 'owner' },
  subjects: [{ kind: 'ServiceAccount', name: 'buildkit-lifecycle', namespace: SYSTEM_NAMESPACE }],
  roleRef: { kind: 'Role', name: 'made-gateway' },
};

interface PodName {
  readonly name: string;
  readonly uid: string;
}

async function readPod(selector: string): Promise<PodName> {
  const find = async () => {
    const text = await run(['get', 'pods', '-n', 'owner', '-l', selector, '-o', 'json']);
    return (JSON.parse(text) as { items: { metadata: PodName }[] }).items[0]?.metadata;
  };
  const found = await vi.waitUntil(find, { timeout: 60_000, interval: 500 });
  return found;
}

interface KeysCall {
  readonly path: string;
  readonly audience: string;
  readonly body: object;
}

async function askForKeys(account: string, { name, uid }: PodName, { path, audience, body }: KeysCall): Promise<void> {
  const bound = ['--bound-object-kind=Pod', `--bound-object-name=${name}`, `--bound-object-uid=${uid}`];
  const token = await run(['create', 'token', account, '-n', 'owner', `--audience=${audience}`, ...bound]);
  const ask = async () => (await post(path, asJson(token.trim()), JSON.stringify(body))) === 200;
  await vi.waitUntil(ask, { timeout: 60_000, interval: 500 });
}

async function reportConnections(): Promise<void> {
  const labels = { 'buildkit.smrt-devops.net/pool': 'open' };
  const metadata = { name: 'gateway', namespace: 'owner', labels };
  await write({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [{ name: 'gateway', image: 'none' }] } });
  const uid = await run(['get', 'pod/gateway', '-n', 'owner', '-o=jsonpath={.metadata.uid}']);
  const binding = ['--bound-object-kind=Pod', '--bound-object-name=gateway', `--bound-object-uid=${uid}`];
  const args = ['create', 'token', 'default', '-n', 'owner', `--audience=${TOKEN_AUDIENCE}`, ...binding];
  const counters = { pool: 'open', startedAt: '2026-01-01T00:00:00Z', sequence: 1, active: 1, total: 1 };
  expect(await post(STATUS_REPORTS_PATH, asJson((await run(args)).trim()), JSON.stringify(counters))).toBe(204);
}

/** The first certificate gets a worker that stands, the second one that is made for it. */
async function allocate(): Promise<void> {
  const account = 'open-gateway';
  const spec = { serviceAccountName: account, containers: [{ name: 'gateway', image: 'none' }] };
  await write(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace: 'owner' } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: account, namespace: 'owner' }, spec },
    make('BuildKitWorker', 'owner', 'idle', { poolRef: { name: 'open' } }),
  );
  const binding = ['--bound-object-kind=Pod', `--bound-object-name=${account}`];
  const args = ['create', 'token', account, '-n', 'owner', `--audience=${TOKEN_AUDIENCE}`, ...binding];
  const token = (await run(args)).trim();
  const ask = (path: string, body: object) => post(path, asJson(token), JSON.stringify({ pool: 'open', ...body }));
  const guest = (await run(['create', 'token', 'default', '-n', 'guest', `--audience=${TOKEN_AUDIENCE}`])).trim();
  const leases: string[] = [];
  for (let count = 0; count < 2; count += 1) {
    const answer = await fetch(`${stack.apiUrl}/api/v1/certs/request`, {
      method: 'POST',
      headers: asJson(guest),
      body: pools('owner/open'),
    });
    const { clientCert } = (await answer.json()) as { clientCert: string };
    const { raw } = new X509Certificate(clientCert);
    // No kubelet makes the worker ready.
    expect(await ask(LEASES_PATH, { certificate: raw.toString('base64'), open: [] })).toBe(202);
    leases.push(hash('sha256', raw).slice(0, 32));
  }
  expect(await ask(RENEW_PATH, { leases })).toBe(200);
}

/** The round that a ping asks for. */
async function resync(): Promise<void> {
  const token = await readFile(join(stack.mounts, 'buildkit-bridge/audience-token'), 'utf8');
  const { headers, body } = makeResync({ id: 'rights', source: 'test' });
  for (const path of [STATUS_EVENTS_PATH, LIFECYCLE_EVENTS_PATH]) {
    const ask = async () => (await post(path, { ...headers, authorization: `Bearer ${token.trim()}` }, body)) === 200;
    // 503 within half a minute of the one before, which the bridge asked for.
    await vi.waitUntil(ask, { timeout: 120_000, interval: 1_000 });
  }
}

/** Renewals and rotations, years ahead: the last that this system does, since nobody lives in that time. */
async function ageKeys(): Promise<void> {
  for (const days of [16, 6 * 365, 6 * 365 + 2]) await runAuthorityAt({ stack }, Date.now() + days * day);
}

async function readRoles<T>(...kinds: readonly string[]): Promise<T[]> {
  return (JSON.parse(await run(['get', kinds.join(','), '-A', '-o', 'json'])) as { items: T[] }).items;
}

describe('the comparison', () => {
  const account = 'home/part';
  const list: Right = { account, verb: 'list', group: '', resource: 'pods', namespace: undefined, name: undefined };
  const use = { ...list, namespace: 'tenant', isRefused: false };

  it('reports a right that nobody uses, whichever field differs', () => {
    const other = { namespace: 'elsewhere', name: 'other', verb: 'get', group: 'apps', resource: 'pods/log' };
    for (const [key, value] of Object.entries({ ...other, account: 'home/other' })) {
      const right = { ...list, [key]: value };
      expect(compare([list, right], [use], 'home').unused).toHaveLength(1);
    }
    expect(compare([list], [use], 'home')).toEqual({ unused: [], wide: [], missing: [] });
  });

  it('reports a call that was made without a right, and one that was refused', () => {
    const missing = ['home/part list /pods in tenant'];
    expect(compare([], [use], 'home').missing).toEqual(missing);
    expect(compare([list], [{ ...use, isRefused: true }], 'home')).toMatchObject({
      missing,
      unused: ['home/part list /pods'],
    });
  });

  it('reports a right in all namespaces that was used in one namespace only', () => {
    expect(compare([list], [{ ...use, namespace: 'home' }], 'home').wide).toEqual(['home/part list /pods']);
  });
});

describe('the rights of every part', () => {
  let end: () => Promise<void>;
  let found: Comparison;
  let accounts: string[];
  beforeAll(async () => {
    end = await startAudited();
    await writeObjects();
    await changeBackAndForth();
    await askForCertificates();
    await makeAndUnmake();
    await reportConnections();
    await allocate();
    await resync();
    await run(['delete', 'buildkitworkers', '--all', '-n', 'guest']);
    await run(['delete', 'buildkitpools', '--all', '-n', 'owner']);
    await ageKeys();
    const rights = listRights(
      await readRoles<RoleObject>('clusterroles', 'roles'),
      await readRoles<BindingObject>('clusterrolebindings', 'rolebindings'),
    ).filter(({ account }) => account.startsWith(`${SYSTEM_NAMESPACE}/`));
    const given = grants.map((right) => ({ ...right, isRefused: false }));
    const uses = [...(await readUses(folder, SYSTEM_NAMESPACE)), ...given];
    accounts = [...new Set(uses.map(({ account }) => account))].toSorted();
    found = compare(rights, uses, SYSTEM_NAMESPACE);
  });
  afterAll(async () => {
    await end();
  });

  it('are observed while every part works', () => {
    const parts = ['authority', 'bridge', 'controller', 'lifecycle', 'status', 'webhooks'];
    expect(accounts).toEqual(parts.map((part) => `${SYSTEM_NAMESPACE}/buildkit-${part}`));
  });

  it('suffice: nothing was refused', () => {
    expect(found.missing).toEqual([]);
  });

  it('are no more than what is done with them', () => {
    expect(found.unused).toEqual([]);
  });

  it('hold in all namespaces only where they are used in others than our own', () => {
    expect(found.wide).toEqual([]);
  });
});

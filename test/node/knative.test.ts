/**
 * Our functions on real Knative: its programs in Pods of a real node, and `kubectl apply -k` of the overlay. The node is
 * one of its own: on that of the other files the same namespace holds what another overlay installs.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectKube, type KubeClient } from '../../adapters/kube/client.ts';
import { ourNamespacedCollectionPath, ourObjectPath } from '../../adapters/kube/paths.ts';
import { CERTIFICATES_PATH, type CertificateAnswer } from '../../api/http/certificates.ts';
import { KINDS, STORAGE_API_VERSION, SYSTEM_NAMESPACE, TOKEN_AUDIENCE } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { forEachAtOnce } from '../../core/parallel.ts';
import { callFunction, type Answer } from '../../dev/knative/call.ts';
import { ourImage, startKnativeCluster, type KnativeCluster } from '../../dev/knative/cluster.ts';
import { installOverlay, schedulePings, sleepSoon } from '../../dev/knative/overlay.ts';
import { expectSuccess } from '../../dev/kubectl.ts';
import { findMissingRequirement } from '../../dev/node/requirements.ts';
import { createWatchdog } from '../../dev/watchdog.ts';
import { readBlocks } from '../pages.ts';

const missing = await findMissingRequirement();
const rounds = process.env['SOAK'] === '1' ? 10 : 1;

const functions = ['buildkit-api', 'buildkit-status', 'buildkit-lifecycle'] as const;
type FunctionName = (typeof functions)[number];

const tenant = 'knative-tenant';
const pool = 'knative-pool';
const workers = Array.from({ length: 100 }, (_, index) => `worker-${index}`);
const soon = { timeout: 120_000, interval: 250 };

const ends = new AsyncDisposableStack();
let cluster: KnativeCluster;
let kube: KubeClient;
let token: string;

const run = (...args: readonly string[]): Promise<string> => expectSuccess(cluster.kubectl, args);

async function connect({ controlPlane }: KnativeCluster): Promise<KubeClient> {
  const administrator = await run('config', 'view', '--raw', '-o', 'jsonpath={.users[0].user.token}');
  const ca = await readFile(controlPlane.caFile);
  const client = connectKube({ url: controlPlane.url, ca, readToken: () => Promise.resolve(administrator) });
  // What is shown here is not how busy this machine is.
  return { ...client, call: (call) => client.call({ timeoutMs: soon.timeout, ...call }) };
}

/** Pods that may answer: one that ends is on no way to the function any more. */
async function listPods(name: FunctionName): Promise<string[]> {
  const selector = ['-l', `serving.knative.dev/service=${name}`];
  const printed = await run('get', 'pods', '-n', SYSTEM_NAMESPACE, ...selector, '-o', 'json');
  const { items } = JSON.parse(printed) as { items: { metadata: { name: string; deletionTimestamp?: string } }[] };
  return items
    .map(({ metadata }) => metadata)
    .flatMap((pod) => (pod.deletionTimestamp === undefined ? [pod.name] : []));
}

async function untilAsleep(...names: readonly FunctionName[]): Promise<void> {
  for (const name of names) await expect.poll(() => listPods(name), { ...soon, message: `${name} sleeps` }).toEqual([]);
}

const askForCertificate = (): Promise<Answer> =>
  callFunction({
    address: cluster.address,
    name: 'buildkit-api',
    namespace: SYSTEM_NAMESPACE,
    path: CERTIFICATES_PATH,
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ pools: [pool] }),
  });

async function create(
  { kind, plural }: (typeof KINDS)['pool' | 'worker'],
  name: string,
  spec: object,
  namespace = tenant,
): Promise<void> {
  const body = { apiVersion: STORAGE_API_VERSION, kind, metadata: { namespace, name }, spec };
  await kube.call({ method: 'POST', path: ourNamespacedCollectionPath(plural, namespace), body });
}

async function setPhase(worker: string, phase: string): Promise<void> {
  const path = ourObjectPath(KINDS.worker.plural, { namespace: tenant, name: worker, subresource: 'status' });
  await kube.call({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body: { status: { phase } } });
}

async function readCounts(): Promise<{ total?: number | undefined; idle?: number | undefined }> {
  const path = ourObjectPath(KINDS.pool.plural, { namespace: tenant, name: pool });
  const { workers: counts } = ((await kube.call({ path })) as Pool).status ?? {};
  return { total: counts?.total, idle: counts?.idle };
}

const untilCounted = (counts: { total: number; idle: number }): Promise<void> =>
  expect.poll(readCounts, soon).toEqual(counts);

/** As if its node had died. */
const killAdapter = (name: FunctionName): Promise<string> =>
  run(
    ...['delete', 'pods', '-n', SYSTEM_NAMESPACE, '-l', `eventing.knative.dev/sourceName=${name}`],
    ...['--grace-period=0', '--force'],
  );

const pingEvery = (name: FunctionName, schedule: string): Promise<string> =>
  run(
    'patch',
    'pingsource',
    name,
    '-n',
    SYSTEM_NAMESPACE,
    '--type=merge',
    '-p',
    JSON.stringify({ spec: { schedule } }),
  );

/** From now on nobody but this test says what workers do. */
async function stopMakingPods(): Promise<void> {
  const service = ['services.serving.knative.dev', 'buildkit-lifecycle', '-n', SYSTEM_NAMESPACE];
  const path = '/spec/template/spec/containers/0/env';
  const printed = await run('get', ...service, '-o=jsonpath={.spec.template.spec.containers[0].env}');
  const index = (JSON.parse(printed) as { name: string }[]).findIndex(({ name }) => name === 'MAKE_PODS');
  const patch = [{ op: 'replace', path: `${path}/${index}/value`, value: 'off' }];
  const readRevision = () => run('get', ...service, '-o=jsonpath={.status.latestReadyRevisionName}');
  const former = await readRevision();
  await run('patch', ...service, '--type=json', '-p', JSON.stringify(patch));
  await expect.poll(readRevision, soon).not.toBe(former);
}

const never = '0 0 1 1 *';

const commands = readBlocks('docs/knative.md')
  .filter(({ runBy }) => runBy === 'test/node/knative.test.ts')
  .flatMap(({ commands }) => commands.trim().split('\n'));

describe.skipIf(missing !== undefined)(`on Knative (${missing ?? 'Linux, as root'})`, { timeout: 600_000 }, () => {
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'knative-'));
    ends.defer(() => rm(folder, { recursive: true, force: true }));
    const watchdog = createWatchdog();
    ends.defer(watchdog.release);
    cluster = await startKnativeCluster({ folder, report: console.error, watch: watchdog.watch });
    ends.defer(cluster.stop);
    kube = await connect(cluster);
    ends.defer(kube.close);
    await run('create', 'namespace', tenant);
    const patches = [sleepSoon, schedulePings(never)];
    await installOverlay({ kubectl: cluster.kubectl, folder: join(folder, 'overlay'), image: ourImage, patches });
    token = (await run('create', 'token', 'default', '-n', tenant, `--audience=${TOKEN_AUDIENCE}`)).trim();
  });
  afterAll(() => ends.disposeAsync());

  it('is Ready before any function has run', async () => {
    for (const name of functions) expect(await listPods(name)).toEqual([]);
  });

  it('has the key of a worker signed through the gateway of its pool, since workers reach no ingress', async () => {
    const namespace = 'knative-keys';
    await run('create', 'namespace', namespace);
    await create(KINDS.pool, 'keys', {}, namespace);
    await create(KINDS.worker, 'worker', { poolRef: { name: 'keys' } }, namespace);
    const exitCode = '{.status.initContainerStatuses[0].state.terminated.exitCode}';
    // A Pod that came before its gateway may have given up: the next one takes its name.
    const read = () => run('get', 'pods', '-n', namespace, 'worker', '--ignore-not-found', `-o=jsonpath=${exitCode}`);
    await expect.poll(read, { ...soon, timeout: 300_000 }).toBe('0');
    await run('delete', 'namespace', namespace, '--wait=false');
    await stopMakingPods();
  });

  it('wakes status and lifecycle by the events of what is made', async () => {
    await create(KINDS.pool, pool, {});
    await expect.poll(() => listPods('buildkit-lifecycle'), soon).toHaveLength(1);
    await forEachAtOnce(workers, 8, (name) => create(KINDS.worker, name, { poolRef: { name: pool } }));
    await untilCounted({ total: 100, idle: 0 });
  });

  it.each(Array.from({ length: rounds }, (_, round) => round))(
    'answers a request for a certificate at zero, in one go (round %i)',
    async () => {
      await untilAsleep('buildkit-api');
      const { status, text } = await askForCertificate();
      expect(status, text).toBe(200);
      expect((JSON.parse(text) as CertificateAnswer).clientCert).toMatch(/^-----BEGIN CERTIFICATE-----/);
    },
  );

  it('answers each of 100 requests that come at once at zero', async () => {
    await untilAsleep('buildkit-api');
    const answers = await Promise.all(Array.from({ length: 100 }, askForCertificate));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  });

  it('ends in the right status when 100 workers change while status sleeps', async () => {
    await untilAsleep(...functions);
    await Promise.all(workers.map((name) => setPhase(name, 'Idle')));
    await untilCounted({ total: 100, idle: 100 });
  });

  it('is right again after the next ping when the adapter dies and the ingress is cut while workers change', async () => {
    await Promise.all([killAdapter('buildkit-status'), cluster.ingress.cut()]);
    await Promise.all(workers.slice(0, 50).map((name) => setPhase(name, 'Failed')));
    await run('delete', 'buildkitworkers', '-n', tenant, ...workers.slice(50, 75));
    await sleep(6000);
    await cluster.ingress.restore();
    await pingEvery('buildkit-status', '@every 2s');
    await untilCounted({ total: 75, idle: 25 });
    await pingEvery('buildkit-status', never);
  });

  it('is seen by the commands of docs/knative.md', async () => {
    expect(commands).not.toEqual([]);
    for (const command of commands) await run(...command.split(' ').slice(1));
  });
});

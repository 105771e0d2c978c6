/** Our functions on real Knative: its programs in Pods of the real node, and `kubectl apply -k` of the overlay. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CERTIFICATES_PATH, type CertificateAnswer } from '../../api/http/certificates.ts';
import { SYSTEM_NAMESPACE, TOKEN_AUDIENCE } from '../../api/names.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { callFunction, type Answer } from '../../dev/knative/call.ts';
import { installOverlay } from '../../dev/knative/overlay.ts';
import { startKnative, type Knative } from '../../dev/knative/start.ts';
import { importImage, kubectl, obstacle, run } from './cluster.ts';

const functions = ['buildkit-api', 'buildkit-status', 'buildkit-lifecycle'] as const;
type FunctionName = (typeof functions)[number];

const tenant = 'knative-tenant';
const pool = 'knative-pool';
const soon = { timeout: 60_000, interval: 250 };

let knative: Knative;
let token: string;

async function getJson<T>(...args: readonly string[]): Promise<T> {
  return JSON.parse(await run(['get', ...args, '-o', 'json'])) as T;
}

interface List<T> {
  readonly items: readonly T[];
}

/** Pods that may answer. One that ends is on no way to the function any more. */
async function listPods(name: FunctionName): Promise<string[]> {
  const pods = await getJson<List<{ metadata: { name: string; deletionTimestamp?: string } }>>(
    ...['pods', '-n', SYSTEM_NAMESPACE, '-l', `serving.knative.dev/service=${name}`],
  );
  return pods.items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name);
}

const untilAsleep = async (name: FunctionName): Promise<void> => {
  await expect.poll(() => listPods(name), soon).toEqual([]);
};

const askForCertificate = (): Promise<Answer> =>
  callFunction({
    address: place.address,
    name: 'buildkit-api',
    namespace: SYSTEM_NAMESPACE,
    path: CERTIFICATES_PATH,
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ pools: [pool] }),
  });

const makeList = (items: readonly object[]): object => ({ apiVersion: 'v1', kind: 'List', items });

const makeWorker = (index: number): object => ({
  apiVersion: 'buildkit.smrt-devops.net/v1beta1',
  kind: 'BuildKitWorker',
  metadata: { namespace: tenant, name: `worker-${index}` },
  spec: { poolRef: { name: pool } },
});

const readTotal = async (): Promise<number | undefined> =>
  (await getJson<Pool>('buildkitpool', pool, '-n', tenant)).status?.workers?.total;

const countWorkers = async (): Promise<number> =>
  (await getJson<List<unknown>>('buildkitworkers', '-n', tenant)).items.length;

/** `api` does not wait five minutes for its next request, and pings come when a test wants them. */
const patches = [
  {
    target: { group: 'serving.knative.dev', kind: 'Service', name: 'buildkit-api' },
    patch: replace(
      '/spec/template/metadata/annotations/autoscaling.knative.dev~1scale-to-zero-pod-retention-period',
      '0s',
    ),
  },
  { target: { kind: 'PingSource' }, patch: replace('/spec/schedule', '0 0 1 1 *') },
];

function replace(path: string, value: string): string {
  return JSON.stringify([{ op: 'replace', path, value }]);
}

/** Pings as often as it takes. */
async function ping(name: FunctionName): Promise<void> {
  const patch = JSON.stringify({ spec: { schedule: '@every 2s' } });
  await run(['patch', 'pingsource', name, '-n', SYSTEM_NAMESPACE, '--type=merge', '-p', patch]);
}

async function restartAdapter(name: FunctionName): Promise<void> {
  const selector = `eventing.knative.dev/sourceName=${name}`;
  await run(['delete', 'pods', '-n', SYSTEM_NAMESPACE, '-l', selector, '--grace-period=0', '--force']);
}

describe.skipIf(obstacle !== undefined)(`on Knative (${obstacle ?? 'Linux, as root'})`, () => {
  beforeAll(async () => {
    knative = await startKnative(place);
    await run(['create', 'namespace', tenant]);
    await installOverlay({ kubectl, folder, image, patches });
    token = (await run(['create', 'token', 'default', '-n', tenant, `--audience=${TOKEN_AUDIENCE}`])).trim();
  });
  afterAll(() => knative.stop());

  it('is Ready before any function has run', async () => {
    for (const name of functions) expect(await listPods(name)).toEqual([]);
  });

  it('wakes status by the event of a pool that was made', async () => {
    const made = {
      apiVersion: 'buildkit.smrt-devops.net/v1beta1',
      kind: 'BuildKitPool',
      metadata: { namespace: tenant, name: pool },
      spec: {},
    };
    await run(['create', '-f', '-'], made);
    await expect.poll(readTotal, soon).toBe(0);
  });

  it('answers a request for a certificate at zero, in one go', async () => {
    await untilAsleep('buildkit-api');
    const { status, text } = await askForCertificate();
    expect(status, text).toBe(200);
    expect((JSON.parse(text) as CertificateAnswer).clientCert).toMatch(/^-----BEGIN CERTIFICATE-----/);
  });

  it('lets every function go to sleep again', async () => {
    for (const name of functions) await untilAsleep(name);
  });

  it('answers each of 100 requests that come at once at zero', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, askForCertificate));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  });

  it('ends in the right status after 100 workers were made while status slept', async () => {
    await untilAsleep('buildkit-status');
    await run(['create', '-f', '-'], makeList(Array.from({ length: 100 }, (_, index) => makeWorker(index))));
    await expect.poll(readTotal, soon).toBe(100);
  });

  it('ends in the right status at the next ping, whatever of events was lost before', async () => {
    await Promise.all([restartAdapter('buildkit-status'), knative.ingress.cut()]);
    await run([
      'delete',
      'buildkitworkers',
      '-n',
      tenant,
      ...Array.from({ length: 50 }, (_, index) => `worker-${index}`),
    ]);
    await sleep(6000);
    await knative.ingress.restore();
    await ping('buildkit-status');
    await expect.poll(readTotal, soon).toBe(await countWorkers());
  });
});

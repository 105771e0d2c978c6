/** The bridge on a real apiserver, while that forgets, restarts and refuses, and while its sinks are away. */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { GROUP, KINDS, PROBE_PATHS } from '../../api/names.ts';
import { connectAsAdministrator } from '../../bench/stack.ts';
import { createAudit, type Audit } from '../../dev/audit.ts';
import { findFreePort, type Child } from '../../dev/child.ts';
import { expectSuccess } from '../../dev/kubectl.ts';
import { bridgePart, bridgeUser } from '../../dev/parts.ts';
import { bringUp, type Stack } from '../../dev/stack.ts';
import { createWatchdog } from '../../dev/watchdog.ts';
import { compactEtcd } from './etcd.ts';
import { createObjects, type Objects } from './objects.ts';

const soon = { timeout: 120_000, interval: 50 };
const pool = { namespace: 'default', name: 'pool' };

interface Received {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly sink: string;
  readonly id: string;
  readonly text: string;
  readonly resourceVersion: string | undefined;
  readonly status: number;
}

/** What the functions were told, as `<change> <kind> <name>`. They answer as they are bid. */
const received: Received[] = [];
let answerWith = 200;
const watchdog = createWatchdog();
let [folder, probeUrl] = ['', ''];
let sinks: Server;
let audit: Audit;
let stack: Stack;
let objects: Objects;
let bridge: Child;
let close: () => void;

beforeAll(async () => {
  sinks = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { headers } = request;
      const change = String(headers['ce-type']).split('.').at(-1) ?? '';
      const { metadata } = JSON.parse(body.toString()) as { metadata?: { resourceVersion: string } };
      received.push({
        at: Date.now(),
        sink: request.url ?? '',
        id: String(headers['ce-id']),
        text: `${change} ${String(headers['ce-kind'])} ${String(headers['ce-name'])}`,
        resourceVersion: metadata?.resourceVersion,
        status: answerWith,
      });
      response.writeHead(answerWith).end();
    });
  }).listen(0, '127.0.0.1');
  await once(sinks, 'listening');
  folder = await mkdtemp(join(tmpdir(), 'bridge-'));
  await mkdir(join(folder, 'audit'));
  audit = await createAudit(join(folder, 'audit'), [bridgeUser]);
  const bridgePort = await findFreePort();
  probeUrl = `http://127.0.0.1:${bridgePort}${PROBE_PATHS.ready}`;
  stack = await bringUp({
    folder: join(folder, 'stack'),
    port: (sinks.address() as AddressInfo).port,
    apiserverFlags: audit.flags,
    watch: watchdog.watch,
    parts: () => [],
  });
  const administrator = await connectAsAdministrator(stack, join(folder, 'administrator'));
  close = administrator.close;
  objects = createObjects(administrator);
  await objects.createPool(pool);
  const { port } = sinks.address() as AddressInfo;
  const settings = { mounts: stack.mounts, kubeUrl: stack.controlPlane.url, port, bridgePort };
  bridge = await stack.launch(bridgePart(settings));
});
afterAll(async () => {
  close();
  await stack.stop();
  sinks.closeAllConnections();
  sinks.close();
  watchdog.release();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  answerWith = 200;
});

const watched = [
  ...Object.values(KINDS).map(({ plural }) => plural),
  'deployments',
  'leases',
  'namespaces',
  'pods',
  'services',
].toSorted();
const bothSinks = ['/lifecycle/events', '/status/events'];
/** Who was asked to look at everything. */
const listAsked = () =>
  received
    .filter(({ text }) => text.startsWith('ping '))
    .map(({ sink }) => sink)
    .toSorted();

const hasReceived = (sink: string, text: string) => received.some((one) => one.sink === sink && one.text === text);
const expectReceived = (text: string) => expect.poll(() => hasReceived('/status/events', text), soon).toBe(true);
/** What the bridge listed so far, by kind. */
const listed = async () => {
  const lists = (await audit.read()).filter(({ verb }) => verb === 'list');
  return lists.map(({ objectRef }) => objectRef?.resource);
};
const isReady = () =>
  fetch(probeUrl).then(
    ({ status }) => status === 200,
    () => false,
  );

it('sends each function the objects that exist, and nothing that it does not depend on', async () => {
  await expectReceived('update BuildKitPool pool');
  await expect.poll(() => hasReceived('/lifecycle/events', 'update Namespace default'), soon).toBe(true);
  await expect.poll(() => hasReceived('/lifecycle/events', 'update BuildKitPool pool'), soon).toBe(true);
  expect(received.some(({ sink, text }) => sink === '/status/events' && text.includes('Namespace'))).toBe(false);
});

it('asks each function once to look at everything when all is listed: what was deleted before stands in no list', async () => {
  await expect.poll(listAsked, soon).toEqual(bothSinks);
  // A watch is asked for when the list before it is there.
  const watches = (await audit.read()).filter(({ verb }) => verb === 'watch');
  expect(watches.map(({ objectRef }) => objectRef?.resource).toSorted()).toEqual(watched);
  const lastAt = Math.max(...watches.map(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp)));
  for (const { at, text } of received) if (text.startsWith('ping ')) expect(at).toBeGreaterThanOrEqual(lastAt);
});

it('keeps the newest state of an object for a function that is away, and its order', async () => {
  answerWith = 503;
  await objects.createWorker({ ...pool, name: 'patient' }, pool);
  for (const phase of ['Provisioning', 'Idle', 'Allocated', 'Failed'] as const)
    await objects.setPhase({ ...pool, name: 'patient' }, phase);
  await expect.poll(() => received.filter(({ status }) => status === 503).length, soon).toBeGreaterThan(4);
  answerWith = 200;
  const newest = (await objects.listWorkers()).find(({ metadata }) => metadata.name === 'patient');
  const delivered = () =>
    received.filter(
      ({ sink, text, status }) => sink === '/status/events' && text.endsWith(' patient') && status === 200,
    );
  await expect.poll(() => delivered().at(-1)?.resourceVersion, soon).toBe(newest?.metadata.resourceVersion);
  const versions = delivered().map(({ resourceVersion }) => Number(resourceVersion));
  expect(versions).toEqual(versions.toSorted((one, other) => one - other));
});

it('lists a kind again when its definition changed, and keeps watching the others', async () => {
  const before = (await listed()).length;
  const crd = `crd/${KINDS.worker.plural}.${GROUP}`;
  const names = { spec: { names: { categories: ['buildkit', 'bridge'] } } };
  await expectSuccess(stack.kubectl, ['patch', crd, '--type=merge', '-p', JSON.stringify(names)]);
  await expect.poll(async () => (await listed()).slice(before), soon).toEqual([KINDS.worker.plural]);
  const after = { ...pool, name: 'after-change' };
  await objects.createWorker(after, pool);
  await expect.poll(() => received.some(({ text }) => text.endsWith('BuildKitWorker after-change')), soon).toBe(true);
});

it('is not ready without its apiserver, and later delivers what changed meanwhile', async () => {
  const [gone, late] = ['patient', 'late'].map((name) => ({ ...pool, name }));
  if (gone === undefined || late === undefined) throw new Error('expected two');
  process.kill(bridge.pid, 'SIGSTOP');
  await objects.deleteWorker(gone);
  await objects.createWorker(late, pool);
  // By now neither the apiserver nor its store knows what was before.
  await compactEtcd(join(folder, 'stack/control-plane'));
  const restarted = stack.controlPlane.restart('kube-apiserver');
  await sleep(100);
  process.kill(bridge.pid, 'SIGCONT');
  await expect.poll(isReady, soon).toBe(false);
  await restarted;
  await expectReceived('delete BuildKitWorker patient');
  await expectReceived('update BuildKitWorker late');
  await expect.poll(isReady, soon).toBe(true);
  expect((await listed()).filter((plural) => plural === KINDS.worker.plural)).toHaveLength(3);
  expect(listAsked()).toEqual(bothSinks);
});

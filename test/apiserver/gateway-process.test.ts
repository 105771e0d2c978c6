/** The gateway as a process, from its start to its end, at a real apiserver. */
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEYS_PATH, WORKER_KEYS_PATH } from '../../api/http/keys.ts';
import { LEASES_PATH } from '../../api/http/leases.ts';
import { TICKS_PATH } from '../../api/http/ticks.ts';
import type { Routes } from '../../api/routes.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { SETTINGS } from '../../core/gateway/http2.ts';
import { findFreePort, isPortFree, startChild, type Child } from '../../dev/child.ts';
import { startEchoWorker, type EchoWorker } from '../gateway/echo-worker.ts';
import { startFunctions, type Functions } from '../gateway/functions.ts';
import { clusterFqdn, createCas, leaseOf, makeClient, signKeys } from '../gateway/world.ts';
import { expectApplied, getJson, makeNamespace, makePool, stack } from './cluster.ts';
import { applyRoutes, createGatewayAccount } from './gateway-account.ts';

const cas = createCas();
const ends = new AsyncDisposableStack();
let isSigning = false;
let folder: string;
let functions: Functions;
let echo: EchoWorker;
let pool: Pool['metadata'];
let environment: Record<string, string>;
let child: Child;

const start = (log: string, variables: Readonly<Record<string, string>>): Promise<Child> =>
  startChild({
    name: 'gateway',
    file: process.execPath,
    args: ['gateway/main.ts'],
    cwd: join(import.meta.dirname, '../..'),
    log: join(folder, log),
    environment: variables,
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gateway-process-'));
  ends.defer(() => rm(folder, { recursive: true, force: true }));
  functions = ends.use(await startFunctions((request) => (isSigning ? signKeys(cas, request) : undefined)));
  echo = ends.use(await startEchoWorker(cas, 'w1'));
  const namespace = await makeNamespace('gateway-process');
  await expectApplied(makePool(namespace, 'my-pool'));
  ({ metadata: pool } = await getJson<Pool>('buildkitpool/my-pool', '-n', namespace));
  await writeFile(join(folder, 'token'), await createGatewayAccount(namespace, 'my-pool'));
  await cp(join(stack.mounts, 'buildkit-bridge/ca.crt'), join(folder, 'ca.crt'));
  const { hostname, port } = new URL(stack.kubeUrl);
  environment = {
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
    ACCOUNT_FOLDER: folder,
    POOL_NAME: pool.name,
    POOL_NAMESPACE: namespace,
    CLUSTER_FQDN: clusterFqdn,
    API_URL: functions.url.href,
    LIFECYCLE_URL: functions.url.href,
    STATUS_URL: functions.url.href,
    TOKEN_FILE: functions.tokenFile,
    HOST: '127.0.0.1',
    PORT: String(await findFreePort()),
    KEYS_PORT: String(await findFreePort()),
    METRICS_PORT: String(await findFreePort()),
  };
  child = await start('log', environment);
  ends.defer(() => child.end());
});
afterAll(() => ends.disposeAsync());

/** 0 where nobody answers. */
async function ask(port: 'KEYS_PORT' | 'METRICS_PORT', path: string, method = 'GET'): Promise<number> {
  try {
    return (await fetch(`http://127.0.0.1:${environment[port] ?? ''}${path}`, { method })).status;
  } catch {
    return 0;
  }
}

const readLog = (): Promise<string> => readFile(join(folder, 'log'), 'utf8');

const applyRoutesOf = (fields: Omit<Routes, 'poolUID'>): Promise<void> =>
  applyRoutes(pool.namespace, pool.name, JSON.stringify({ poolUID: pool.uid, ...fields }));

interface Client {
  readonly socket: TLSSocket;
  readonly lease: string;
  readonly heard: () => string;
}

async function openClient(): Promise<Client> {
  const pair = makeClient(cas, { pools: [pool] });
  const trust = { ca: cas.root.certificate, cert: pair.certificate, key: pair.key };
  const socket = connect({ host: '127.0.0.1', port: Number(environment['PORT']), ...trust });
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  socket.write('hello');
  return { socket, lease: leaseOf(pair), heard: () => heard };
}

const hello = `${Buffer.from(SETTINGS).toString('latin1')}hello`;

describe('the process of a gateway', () => {
  it('is alive and not ready while nobody signs its keys, and relays already', async () => {
    await expect.poll(() => functions.asked.get(KEYS_PATH)?.length ?? 0).toBeGreaterThanOrEqual(2);
    expect(await ask('METRICS_PORT', '/healthz')).toBe(200);
    expect(await ask('METRICS_PORT', '/readyz')).toBe(503);
    expect(await ask('KEYS_PORT', WORKER_KEYS_PATH, 'POST')).toBe(401);
    expect(await ask('KEYS_PORT', KEYS_PATH, 'POST')).toBe(404);
  });

  it('is ready when it has keys and listens', async () => {
    isSigning = true;
    await expect.poll(() => ask('METRICS_PORT', '/readyz')).toBe(200);
  });

  it('serves who waits when the routes and allocation know the worker', async () => {
    functions.allocate(() => ({ status: 503, body: 'later' }));
    const { socket, lease, heard } = await openClient();
    await expect.poll(() => functions.asked.get(LEASES_PATH)?.length ?? 0).toBeGreaterThanOrEqual(1);
    functions.allocate(() => echo.worker);
    await applyRoutesOf({ leases: [{ lease, worker: echo.worker }] });
    await expect.poll(heard).toBe(hello);
    socket.destroy();
  });

  it('cuts who is served when the routes say that the lease ended', async () => {
    const { socket, lease, heard } = await openClient();
    await expect.poll(heard).toBe(hello);
    const closed = once(socket, 'close');
    await applyRoutesOf({ leases: [{ lease, ended: 'the grant went away' }] });
    await closed;
    await expect.poll(readLog).toContain('"ended":"lease_ended"');
  });

  it('posts a tick when something is due, not before', async () => {
    const dueAtMs = Date.now() + 3_000;
    await applyRoutesOf({ nextDueAt: new Date(dueAtMs).toISOString(), leases: [] });
    await expect.poll(() => functions.asked.get(TICKS_PATH)?.[0]).toEqual({ pool: pool.name });
    expect(Date.now()).toBeGreaterThanOrEqual(dueAtMs);
  });

  it('finishes the streams that are open on SIGTERM, takes no others, and ends with status 0', async () => {
    const { socket, heard } = await openClient();
    await expect.poll(heard).toBe(hello);
    process.kill(child.pid, 'SIGTERM');
    await expect.poll(() => ask('METRICS_PORT', '/readyz')).toBe(503);
    await expect.poll(() => isPortFree(Number(environment['PORT']))).toBe(true);
    socket.write('last words');
    await expect.poll(heard).toMatch(/last words$/);
    expect(await readLog()).not.toContain('gateway ended');
    socket.end();
    expect(await child.ended, await readLog()).toEqual({ name: 'gateway', status: 0 });
    expect(functions.asked.get('/status/reports')?.at(-1)).toMatchObject({ active: 0, total: 3 });
  });

  it.each([
    ['what is missing', {}, /expected KUBERNETES_SERVICE_HOST, .*POOL_NAME, .*TOKEN_FILE, KEYS_PORT to be set/],
    ['what is no port', { KEYS_PORT: 'https' }, /KEYS_PORT: expected 0 to 65535, got https/],
    ['what is no network', { PROXY_PROTOCOL_CIDRS: '10.0.0.0/33' }, /PROXY_PROTOCOL_CIDRS: expected .*10\.0\.0\.0\/33/],
  ])('ends before it does anything where its environment is wrong, and names %s', async (name, change, expected) => {
    const wrong = await start(name, Object.keys(change).length === 0 ? {} : { ...environment, ...change });
    expect(await wrong.ended).toEqual({ name: 'gateway', status: 1 });
    expect(await readFile(join(folder, name), 'utf8')).toMatch(expected);
  });
});

import { describe, expect, it } from 'vitest';
import { KEYS_PATH, WORKER_KEYS_PATH } from '../../../api/http/keys.ts';
import { TICKS_PATH } from '../../../api/http/ticks.ts';
import { maxKeysBodyBytes, maxWorkerKeysBodyBytes } from '../../../api/limits/lifecycle.ts';
import type { Pool } from '../../../api/v1beta1/pool.ts';
import type { Worker } from '../../../api/v1beta1/worker.ts';
import type { GatewayServer } from '../../../core/certificates/lifecycle.ts';
import { err, ok } from '../../../core/result.ts';
import type { Principal } from '../../../core/principal.ts';
import { createLifecycleApp } from '../../../functions/lifecycle/app.ts';
import type { KeysPorts } from '../../../functions/lifecycle/keys.ts';
import { formatPoolKey } from '../../../core/pool-reference.ts';
import { createManualClock } from '../../core/events/clock.ts';
import { makePool, makeWorker } from '../../core/lifecycle/observed.ts';

const podUid = 'uid-of-pod';
const hostname = 'shared.builds.example.com';

const principalOf = (namespace: string, account: string): Principal => ({
  user: {
    username: `system:serviceaccount:${namespace}:${account}`,
    groups: [],
    extra: {
      'authentication.kubernetes.io/pod-name': ['pod'],
      'authentication.kubernetes.io/pod-uid': [podUid],
    },
  },
});

const admitted: Worker = makeWorker({ status: { podUID: podUid, poolUID: 'uid-of-shared-pool' } });

function createWorld(change: Partial<KeysPorts> = {}) {
  const servers: GatewayServer[] = [];
  const lost: string[] = [];
  const recomputed: string[] = [];
  let runs = Promise.resolve();
  const keys: KeysPorts = {
    authenticate: (token) =>
      Promise.resolve(token === 'gateway' ? principalOf('buildkit-system', 'shared-pool-gateway') : undefined),
    authenticateWorker: (token) => Promise.resolve(token === 'worker' ? principalOf('tenant-a', 'default') : undefined),
    readCsr: (text) =>
      text === 'CSR' ? ok({} as never) : err({ expected: 'a PKCS#10 request', got: 'something else' }),
    findPoolOfGateway: (_caller, name) => Promise.resolve(name === 'shared-pool' ? makePool() : undefined),
    getWorker: () => Promise.resolve(admitted),
    listClaimants: () => Promise.resolve([]),
    reportHostnameConflict: (_pool, name) => {
      lost.push(name);
      return Promise.resolve();
    },
    readRoots: () => Promise.resolve('roots'),
    ensurePoolCa: (uid) => Promise.resolve({ certificate: `CA of ${uid}`, key: '' }),
    signWorker: (_key, { namespace, name }) => Promise.resolve(`worker ${namespace}/${name}`),
    signGatewayServer: (_key, server) => {
      servers.push(server);
      return Promise.resolve('server');
    },
    signGatewayClient: (_key, { name }, { certificate }) => `client of ${name} by ${certificate}`,
    settings: {
      clusterFqdn: 'test.example',
      image: 'ours',
      buildkitImage: 'buildkit',
      hostnameSuffixes: [{ namespace: 'buildkit-system', suffix: 'builds.example.com' }],
      urls: { api: '', lifecycle: '', status: '' },
    },
    log: { warn: () => undefined },
    ...change,
  };
  const app = createLifecycleApp({
    recompute: async (pool) => {
      recomputed.push(formatPoolKey(pool));
      await runs;
    },
    listPools: () => Promise.resolve([]),
    authenticateSender: () => Promise.resolve('refused'),
    keys,
    clock: createManualClock(),
    log: { warn: () => undefined },
  });
  const post = async (path: string, token: string, body: unknown) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await app.request(path, {
      method: 'POST',
      body: text,
      headers: { authorization: `Bearer ${token}` },
    });
    return { status: answer.status, text: await answer.text() };
  };
  const hold = (until: Promise<void>): void => {
    runs = until;
  };
  return { post, servers, lost, recomputed, hold };
}

const gatewayRequest = { pool: 'shared-pool', serverCsr: 'CSR', clientCsr: 'CSR' };
const workerRequest = { worker: 'worker', serverCsr: 'CSR' };
const exposed = (name: string, creationTimestamp: string): Pool =>
  makePool({ gateway: { exposure: { hostname } } }, { uid: `uid-of-${name}`, name, creationTimestamp });

describe('the keys of a gateway', () => {
  it('are signed by the CA for servers, and by that of its pool', async () => {
    const { post } = createWorld();
    const { status, text } = await post(KEYS_PATH, 'gateway', gatewayRequest);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({
      server: 'server',
      client: 'client of shared-pool by CA of uid-of-shared-pool',
      clientCa: 'roots',
      serverCa: 'roots',
    });
  });

  it.each([
    ['401 without a token of a Pod for our audience', 'worker', gatewayRequest, 401],
    ['403 of another pool', 'gateway', { ...gatewayRequest, pool: 'other' }, 403],
    ['400 for what is no CSR', 'gateway', { ...gatewayRequest, clientCsr: 'other' }, 400],
    ['400 for what is no request', 'gateway', workerRequest, 400],
    ['413 for too much', 'gateway', ' '.repeat(maxKeysBodyBytes + 1), 413],
  ])('are answered %s', async (_, token, body, status) => {
    const { post, servers } = createWorld();
    expect((await post(KEYS_PATH, token, body)).status).toBe(status);
    expect(servers).toEqual([]);
  });

  it('are answered 503 while the CA of the pool, or a CA at all, can’t be had', async () => {
    const fail = () => Promise.reject(new Error('Secret "x" can not be read'));
    for (const change of [{ ensurePoolCa: fail }, { readRoots: fail }, { signGatewayServer: fail }]) {
      const { status, text } = await createWorld(change).post(KEYS_PATH, 'gateway', gatewayRequest);
      expect(status).toBe(503);
      expect(text).toBe('try again');
    }
  });

  it('hold a hostname that no older pool claims, and the pool hears of one that it lost', async () => {
    const own = exposed('shared-pool', '2026-01-02T00:00:00Z');
    for (const [others, held] of [
      [[own, exposed('older', '2026-01-01T00:00:00Z')], false],
      [[own, exposed('younger', '2026-01-03T00:00:00Z')], true],
    ] as const) {
      const { post, servers, lost } = createWorld({
        findPoolOfGateway: () => Promise.resolve(own),
        listClaimants: () => Promise.resolve(others),
      });
      expect((await post(KEYS_PATH, 'gateway', gatewayRequest)).status).toBe(200);
      expect(servers[0]?.hostnames.includes(hostname)).toBe(held);
      expect(lost).toEqual(held ? [] : [hostname]);
    }
  });
});

describe('the key of a worker', () => {
  it('is signed for the worker whose Pod asks, with the CA of its pool', async () => {
    const { status, text } = await createWorld().post(WORKER_KEYS_PATH, 'worker', workerRequest);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({ server: 'worker tenant-a/worker', clientCa: 'CA of uid-of-shared-pool' });
  });

  it.each<[string, Worker | undefined]>([
    ['that does not exist', undefined],
    ['that has another Pod', makeWorker({ status: { podUID: 'other', poolUID: 'uid-of-shared-pool' } })],
    ['that has none yet', makeWorker()],
    ['that was admitted to no pool', makeWorker({ status: { podUID: podUid } })],
  ])('is answered 403 of a worker %s', async (_, worker) => {
    const { post } = createWorld({ getWorker: () => Promise.resolve(worker) });
    expect((await post(WORKER_KEYS_PATH, 'worker', workerRequest)).status).toBe(403);
  });

  it.each([
    ['401 with a token of our usual audience', 'gateway', workerRequest, 401],
    ['400 for what is no CSR', 'worker', { ...workerRequest, serverCsr: 'other' }, 400],
    ['413 for too much', 'worker', ' '.repeat(maxWorkerKeysBodyBytes + 1), 413],
  ])('is answered %s', async (_, token, body, status) => {
    expect((await createWorld().post(WORKER_KEYS_PATH, token, body)).status).toBe(status);
  });
});

describe('a tick', () => {
  it('recomputes the pool of the gateway that posts it, in its namespace', async () => {
    const { post, recomputed } = createWorld();
    expect((await post(TICKS_PATH, 'gateway', { pool: 'shared-pool' })).status).toBe(204);
    expect(recomputed).toEqual(['buildkit-system/shared-pool']);
  });

  it('of others does nothing', async () => {
    const { post, recomputed } = createWorld();
    expect((await post(TICKS_PATH, 'gateway', { pool: 'other' })).status).toBe(403);
    expect((await post(TICKS_PATH, 'worker', { pool: 'shared-pool' })).status).toBe(401);
    expect((await post(TICKS_PATH, 'gateway', { pool: 'Shared_Pool' })).status).toBe(400);
    expect(recomputed).toEqual([]);
  });

  it('is one run with those that come while another runs', async () => {
    let found = 0;
    const findPoolOfGateway = () => {
      found += 1;
      return Promise.resolve(makePool());
    };
    const { post, recomputed, hold } = createWorld({ findPoolOfGateway });
    const held = Promise.withResolvers<undefined>();
    hold(held.promise.then(() => undefined));
    const first = post(TICKS_PATH, 'gateway', { pool: 'shared-pool' });
    await expect.poll(() => recomputed.length).toBe(1);
    const later = Array.from({ length: 5 }, () => post(TICKS_PATH, 'gateway', { pool: 'shared-pool' }));
    await expect.poll(() => found).toBe(6);
    held.resolve(undefined);
    const answers = await Promise.all([first, ...later]);
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 204));
    expect(recomputed).toHaveLength(2);
  });

  it('is answered 503 where the pool could not be brought up to date', async () => {
    const { post, hold } = createWorld();
    hold(Promise.reject(new Error('apiserver unreachable')));
    expect((await post(TICKS_PATH, 'gateway', { pool: 'shared-pool' })).status).toBe(503);
  });
});

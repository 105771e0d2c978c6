import { describe, expect, test } from 'vitest';
import { maxEventBodyBytes } from '../../../api/limits.ts';
import { formatPoolKey, type PoolKey } from '../../../core/pool-reference.ts';
import { createStatusApp, type StatusPorts } from '../../../functions/status/app.ts';

interface World {
  /** Pools whose status can't be written now. */
  failing?: readonly string[];
  pools?: readonly PoolKey[];
  senderFault?: Error;
  listFault?: Error;
}

function createWorld({ failing = [], pools = [], senderFault, listFault }: World = {}) {
  const recomputed: string[] = [];
  const logged: unknown[] = [];
  const ports: StatusPorts = {
    recompute: (pool) => {
      const key = formatPoolKey(pool);
      recomputed.push(key);
      return failing.includes(key) ? Promise.reject(new Error('apiserver unreachable')) : Promise.resolve();
    },
    listPools: () => (listFault === undefined ? Promise.resolve(pools) : Promise.reject(listFault)),
    authenticateSender: (token) => {
      if (senderFault !== undefined) return Promise.reject(senderFault);
      return Promise.resolve(token === 'good' ? 'allowed' : 'refused');
    },
    authenticate: () => Promise.resolve(undefined),
    record: () => Promise.resolve('refused'),
    log: { warn: (fields, message) => logged.push([message, fields]) },
  };
  return { app: createStatusApp(ports), recomputed, logged };
}

const eventHeaders = {
  authorization: 'Bearer good',
  'content-type': 'application/json',
  'ce-specversion': '1.0',
  'ce-id': '1',
  'ce-source': 's',
  'ce-type': 'dev.knative.apiserver.resource.update',
  'ce-apiversion': 'buildkit.smrt-devops.net/v1beta1',
  'ce-kind': 'BuildKitPool',
  'ce-namespace': 'tenant-a',
  'ce-name': 'my-pool',
};
const post = (headers: Record<string, string> = {}, body = '{}') => ({
  method: 'POST',
  headers: { ...eventHeaders, ...headers },
  body,
});
const ping = post({ 'ce-type': 'dev.knative.sources.ping' }, '{"resync":"all"}');

const summarize = async (answer: Response) => [answer.status, await answer.text(), answer.headers.get('retry-after')];

describe('POST /status/events', () => {
  test('answers 200 once the status of the pool is true', async () => {
    const { app, recomputed } = createWorld();
    expect(await summarize(await app.request('/status/events', post()))).toEqual([200, 'up to date', null]);
    expect(recomputed).toEqual(['tenant-a/my-pool']);
  });

  test('answers 202 to what is about nothing of ours', async () => {
    const { app, recomputed } = createWorld();
    const answer = await app.request('/status/events', post({ 'ce-kind': 'BuildKitCache' }));
    expect(await summarize(answer)).toEqual([202, 'about nothing of ours', null]);
    expect(recomputed).toEqual([]);
  });

  test('answers 400 to a malformed event, naming the field', async () => {
    const { app, recomputed } = createWorld();
    const answer = await app.request('/status/events', post({ 'ce-specversion': '0.3' }));
    expect(await summarize(answer)).toEqual([400, 'ce-specversion: expected 1.0, got "0.3"', null]);
    expect(recomputed).toEqual([]);
  });

  test.each(['', 'Bearer', 'Bearer bad', 'Basic good', 'good'])(
    'answers 401 to the authorization "%s"',
    async (authorization) => {
      const { app, recomputed } = createWorld();
      const answer = await app.request('/status/events', post({ authorization }));
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expect(await summarize(answer)).toEqual([401, 'sender not allowed', null]);
      expect(recomputed).toEqual([]);
    },
  );

  test('answers 401 before it looks at the event', async () => {
    const answer = await createWorld().app.request('/status/events', post({ authorization: '' }, '{'));
    expect(answer.status).toBe(401);
  });

  test.each([
    ['413 to a body that is said to be too large', { 'content-length': String(maxEventBodyBytes + 1) }, 413],
    ['401 to a stranger, of whom nothing is read', {}, 401],
  ])('answers %s', async (_, more, status) => {
    const body = 'x'.repeat(maxEventBodyBytes + 1);
    const answer = await createWorld().app.request('/status/events', post({ authorization: '', ...more }, body));
    expect(answer.status).toBe(status);
  });

  test('answers 413 to a body that turns out to be too large', async () => {
    const answer = await createWorld().app.request('/status/events', post({}, 'x'.repeat(maxEventBodyBytes + 1)));
    expect(await summarize(answer)).toEqual([413, 'body: expected <= 2097152 bytes', null]);
  });

  test('answers 503 when the status could not be written', async () => {
    const { app, logged } = createWorld({ failing: ['tenant-a/my-pool'] });
    expect(await summarize(await app.request('/status/events', post()))).toEqual([503, 'try again', '1']);
    expect(logged).toEqual([
      ['pool not brought up to date', { pool: 'tenant-a/my-pool', error: 'apiserver unreachable' }],
    ]);
  });

  test('answers 503 when nobody can say who the sender is', async () => {
    const { app } = createWorld({ senderFault: new Error('apiserver unreachable') });
    expect(await summarize(await app.request('/status/events', post()))).toEqual([503, 'try again', '1']);
  });

  test('answers 404 elsewhere', async () => {
    expect((await createWorld().app.request('/status', post())).status).toBe(404);
  });
});

describe('resync', () => {
  const pools = Array.from({ length: 20 }, (_, index) => ({ namespace: 'tenant-a', name: `pool-${index}` }));

  test('brings every pool up to date', async () => {
    const { app, recomputed } = createWorld({ pools });
    expect((await app.request('/status/events', ping)).status).toBe(200);
    expect(recomputed.toSorted()).toEqual(pools.map(formatPoolKey).toSorted());
  });

  test('goes on with the others when one pool fails, and answers 503', async () => {
    const { app, recomputed } = createWorld({ pools, failing: ['tenant-a/pool-3'] });
    expect(await summarize(await app.request('/status/events', ping))).toEqual([503, 'try again', '1']);
    expect(recomputed).toHaveLength(pools.length);
  });

  test('answers 503 when the pools cannot be listed', async () => {
    const { app } = createWorld({ listFault: new Error('apiserver unreachable') });
    expect((await app.request('/status/events', ping)).status).toBe(503);
  });
});

test.each(['/healthz', '/readyz'])('%s answers ok to anybody', async (path) => {
  expect(await summarize(await createWorld().app.request(path))).toEqual([200, 'ok', null]);
});

import { describe, expect, test } from 'vitest';
import { maxEventBodyBytes } from '../../../api/limits/status.ts';
import { formatPoolKey, type PoolKey } from '../../../core/pool-reference.ts';
import { createManualClock } from '../../core/events/clock.ts';
import { createLifecycleApp } from '../../../functions/lifecycle/app.ts';

const pools = ['a', 'b'].map((name) => ({ namespace: 'buildkit-system', name }));

function createWorld(failing: readonly string[] = []) {
  const recomputed: string[] = [];
  const listed: unknown[] = [];
  const logged: unknown[] = [];
  const app = createLifecycleApp({
    recompute: (pool: PoolKey) => {
      recomputed.push(formatPoolKey(pool));
      return failing.includes(pool.name) ? Promise.reject(new Error('apiserver unreachable')) : Promise.resolve();
    },
    listPools: (namespace) => {
      listed.push(namespace ?? 'all');
      return Promise.resolve(pools);
    },
    authenticateSender: (token) => Promise.resolve(token === 'good' ? 'allowed' : 'refused'),
    clock: createManualClock(),
    log: { warn: (fields, message) => logged.push([message, fields]) },
  });
  return { app, recomputed, listed, logged };
}

const headers = {
  authorization: 'Bearer good',
  'content-type': 'application/json',
  'ce-specversion': '1.0',
  'ce-id': '1',
  'ce-source': 's',
};
const post = (attributes: Record<string, string>, body = '{}') => ({
  method: 'POST',
  headers: { ...headers, ...attributes },
  body,
});
const update = { 'ce-type': 'dev.knative.apiserver.resource.update' };
const namespace = post({ ...update, 'ce-apiversion': 'v1', 'ce-kind': 'Namespace', 'ce-name': 'tenant-a' });
const ping = post({ 'ce-type': 'dev.knative.sources.ping' }, '{"resync":"all"}');

const summarize = async (answer: Response) => [answer.status, await answer.text(), answer.headers.get('retry-after')];

describe('POST /lifecycle/events', () => {
  test('looks at the pool of a worker', async () => {
    const { app, recomputed, listed } = createWorld();
    const spec = { poolRef: { name: 'a', namespace: 'buildkit-system' } };
    const event = post(
      {
        ...update,
        'ce-apiversion': 'buildkit.smrt-devops.net/v1beta1',
        'ce-kind': 'BuildKitWorker',
        'ce-namespace': 'tenant-a',
        'ce-name': 'worker',
      },
      JSON.stringify({ metadata: { namespace: 'tenant-a' }, spec }),
    );
    expect(await summarize(await app.request('/lifecycle/events', event))).toEqual([200, 'up to date', null]);
    expect([recomputed, listed]).toEqual([['buildkit-system/a'], []]);
  });

  test('looks at the pools that workers of a namespace refer to, when the namespace changes', async () => {
    const { app, recomputed, listed } = createWorld();
    expect(await summarize(await app.request('/lifecycle/events', namespace))).toEqual([200, 'up to date', null]);
    expect(listed).toEqual(['tenant-a']);
    expect(recomputed).toEqual(['buildkit-system/a', 'buildkit-system/b']);
  });

  test('looks at every pool in a resync, whatever becomes of one of them', async () => {
    const { app, recomputed, listed, logged } = createWorld(['a']);
    expect(await summarize(await app.request('/lifecycle/events', ping))).toEqual([503, 'try again', '1']);
    expect(listed).toEqual(['all']);
    expect(recomputed).toEqual(['buildkit-system/a', 'buildkit-system/b']);
    expect(logged).toEqual([
      ['pool not brought up to date', { pool: 'buildkit-system/a', error: 'apiserver unreachable' }],
      ['resync incomplete', { error: 'pools that failed: 1' }],
    ]);
  });

  test('refuses an event of a stranger, and does nothing', async () => {
    const { app, recomputed, listed } = createWorld();
    const stranger = { ...ping, headers: { ...ping.headers, authorization: 'Bearer bad' } };
    expect((await app.request('/lifecycle/events', stranger)).status).toBe(401);
    expect([recomputed, listed]).toEqual([[], []]);
  });

  test('answers 413 to a body that is too large', async () => {
    const answer = await createWorld().app.request(
      '/lifecycle/events',
      post(update, 'x'.repeat(maxEventBodyBytes + 1)),
    );
    expect(await summarize(answer)).toEqual([413, 'body: expected <= 2097152 bytes', null]);
  });
});

test.each(['/healthz', '/readyz'])('%s answers ok to anybody', async (path) => {
  expect(await summarize(await createWorld().app.request(path))).toEqual([200, 'ok', null]);
});

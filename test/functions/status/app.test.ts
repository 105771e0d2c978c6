import { describe, expect, test } from 'vitest';
import { maxEventBodyBytes } from '../../../api/limits/status.ts';
import { formatPoolKey, type PoolKey } from '../../../core/pool-reference.ts';
import { createManualClock, nextTurn } from '../../core/events/clock.ts';
import { createStatusApp, type StatusPorts } from '../../../functions/status/app.ts';

interface World {
  /** Pools whose status can't be written now. */
  failing?: readonly string[];
  senderFault?: Error;
  resyncFault?: Error;
  configFault?: Error;
  /** Pools that list OIDC configs. */
  referrers?: readonly PoolKey[];
  /** Of any worker or pool, each change up to this version is in the status. */
  coveredUpTo?: number;
}

function createWorld({
  failing = [],
  senderFault,
  resyncFault,
  configFault,
  referrers = [],
  coveredUpTo = 0,
}: World = {}) {
  const recomputed: string[] = [];
  const asked: string[] = [];
  const logged: unknown[] = [];
  const handed: unknown[] = [];
  const clock = createManualClock();
  const ports: StatusPorts = {
    recompute: (pool, objects) => {
      const key = formatPoolKey(pool);
      recomputed.push(key);
      handed.push(...objects);
      return failing.includes(key) ? Promise.reject(new Error('apiserver unreachable')) : Promise.resolve();
    },
    isCovered: (_, { version = Infinity }) => version <= coveredUpTo,
    resync: async (update) => {
      asked.push('resync');
      await Promise.allSettled(failing.map((key) => update(parsePoolKey(key))));
      if (resyncFault !== undefined) throw resyncFault;
    },
    configs: {
      recompute: (namespace) => {
        asked.push(`configs of ${namespace ?? 'all'}`);
        return configFault === undefined ? Promise.resolve() : Promise.reject(configFault);
      },
      listReferrers: (namespaces) => {
        asked.push(`pools that list configs of ${[...namespaces].join(', ')}`);
        return Promise.resolve(referrers);
      },
    },
    authenticateSender: (token) => {
      if (senderFault !== undefined) return Promise.reject(senderFault);
      return Promise.resolve(token === 'good' ? 'allowed' : 'refused');
    },
    authenticate: () => Promise.resolve(undefined),
    record: () => Promise.resolve('refused'),
    clock,
    log: { warn: (fields, message) => logged.push([message, fields]) },
  };
  return { app: createStatusApp(ports), recomputed, asked, handed, logged, clock };
}

const parsePoolKey = (key: string): PoolKey => {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
};

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

describe('an event about a version that a run has read', () => {
  const versioned = (resourceVersion: string) => post({}, JSON.stringify({ metadata: { resourceVersion } }));

  test('is answered at once', async () => {
    const { app, recomputed } = createWorld({ coveredUpTo: 7 });
    expect(await summarize(await app.request('/status/events', versioned('7')))).toEqual([200, 'up to date', null]);
    expect(recomputed).toEqual([]);
  });

  test.each(['8', 'x', ''])('is not assumed for version "%s"', async (resourceVersion) => {
    const { app, handed } = createWorld({ coveredUpTo: 7 });
    expect((await app.request('/status/events', versioned(resourceVersion))).status).toBe(200);
    const version = resourceVersion === '8' ? 8 : undefined;
    expect(handed).toEqual([{ kind: 'pool', namespace: 'tenant-a', version }]);
  });
});

describe('an event of an OIDC config', () => {
  const config = post({ 'ce-kind': 'BuildKitOIDCConfig', 'ce-name': 'ci' });
  const referrers = ['a', 'b'].map((name) => ({ namespace: 'tenant-b', name }));

  test('recomputes the configs of its namespace, and then the pools that list one', async () => {
    const { app, asked, recomputed } = createWorld({ referrers });
    expect((await app.request('/status/events', config)).status).toBe(200);
    expect(asked).toEqual(['configs of tenant-a', 'pools that list configs of tenant-a']);
    expect(recomputed).toEqual(['tenant-b/a', 'tenant-b/b']);
  });

  test('recomputes the pools once for all that come within a second', async () => {
    const { app, asked, clock } = createWorld();
    const send = async (namespace: string) =>
      await app.request('/status/events', post({ ...config.headers, 'ce-namespace': namespace }));
    await send('tenant-a');
    const later = ['tenant-b', 'tenant-c', 'tenant-b'].map(send);
    await nextTurn();
    clock.advance(999);
    await nextTurn();
    expect(asked.filter((what) => what.startsWith('pools'))).toHaveLength(1);
    clock.advance(1);
    expect((await Promise.all(later)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(asked.filter((what) => what.startsWith('pools'))).toEqual([
      'pools that list configs of tenant-a',
      'pools that list configs of tenant-b, tenant-c',
    ]);
  });

  test('answers 503 when configs or pools fail, and has looked at all of them', async () => {
    const { app, recomputed } = createWorld({ referrers, failing: ['tenant-b/a'] });
    expect((await app.request('/status/events', config)).status).toBe(503);
    expect(recomputed).toEqual(['tenant-b/a', 'tenant-b/b']);
    const other = createWorld({ referrers, configFault: new Error('too many issuers are being asked') });
    expect((await other.app.request('/status/events', config)).status).toBe(503);
    expect(other.recomputed).toEqual(['tenant-b/a', 'tenant-b/b']);
  });
});

describe('resync', () => {
  test('recomputes every pool and config', async () => {
    const { app, asked } = createWorld();
    expect(await summarize(await app.request('/status/events', ping))).toEqual([200, 'up to date', null]);
    expect(asked).toEqual(['resync', 'configs of all']);
  });

  test('runs once in 30 s, and answers 503 to a caller that would wait too long', async () => {
    const { app, asked, clock } = createWorld();
    await app.request('/status/events', ping);
    clock.advance(10_000);
    expect(await summarize(await app.request('/status/events', ping))).toEqual([
      503,
      'everything was looked at a moment ago',
      '15',
    ]);
    clock.advance(15_000);
    const waiting = [1, 2, 3].map(async () => await app.request('/status/events', ping));
    await nextTurn();
    expect(asked).toHaveLength(2);
    clock.advance(5_000);
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(asked.filter((what) => what === 'resync')).toHaveLength(2);
  });

  test('brings those up to date that were written meanwhile, and answers 503 when something failed', async () => {
    const { app, logged, recomputed } = createWorld({
      failing: ['tenant-a/pool-3'],
      resyncFault: new Error('pools that failed: 1'),
    });
    expect(await summarize(await app.request('/status/events', ping))).toEqual([503, 'try again', '1']);
    expect(recomputed).toEqual(['tenant-a/pool-3']);
    expect(logged).toEqual([
      ['pool not brought up to date', { pool: 'tenant-a/pool-3', error: 'apiserver unreachable' }],
      ['resync incomplete', { error: 'pools that failed: 1' }],
    ]);
  });

  test('answers 503 when the configs are not up to date, whatever became of the pools', async () => {
    const { app, asked } = createWorld({ configFault: new Error('too many issuers are being asked') });
    expect((await app.request('/status/events', ping)).status).toBe(503);
    expect(asked).toEqual(['resync', 'configs of all']);
  });

  test('that waits is refused when the process is to end', async () => {
    const { app, clock } = createWorld();
    await app.request('/status/events', ping);
    clock.advance(20_000);
    const waiting = app.request('/status/events', ping);
    await nextTurn();
    clock.end();
    expect((await waiting).status).toBe(503);
  });
});

test.each(['/healthz', '/readyz'])('%s answers ok to anybody', async (path) => {
  expect(await summarize(await createWorld().app.request(path))).toEqual([200, 'ok', null]);
});

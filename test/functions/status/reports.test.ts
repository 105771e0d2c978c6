import { describe, expect, test } from 'vitest';
import type { UserInfo } from '../../../api/review.ts';
import type { Principal } from '../../../core/principal.ts';
import type { ReceivedReport } from '../../../core/status/report.ts';
import { createManualClock } from '../../core/events/clock.ts';
import { createStatusApp } from '../../../functions/status/app.ts';

const user = (extra: UserInfo['extra'] = {}): UserInfo => ({
  username: 'system:serviceaccount:tenant-a:my-pool-gateway',
  uid: 'uid-of-account',
  groups: [],
  extra,
});
const bound = {
  'authentication.kubernetes.io/pod-name': ['my-pool-gateway-1'],
  'authentication.kubernetes.io/pod-uid': ['uid-of-pod'],
};

function createWorld(fault?: Error) {
  const received: ReceivedReport[] = [];
  const logged: unknown[] = [];
  const principals: Readonly<Record<string, Principal>> = {
    pod: { user: user(bound) },
    account: { user: user() },
    person: { user: { ...user(bound), username: 'jane' } },
  };
  const app = createStatusApp({
    recompute: () => Promise.reject(new Error('not asked')),
    resync: () => Promise.reject(new Error('not asked')),
    clock: createManualClock(),
    authenticateSender: () => Promise.resolve('refused'),
    authenticate: (token) => Promise.resolve(principals[token]),
    record: (one) => {
      if (fault !== undefined) return Promise.reject(fault);
      received.push(one);
      return Promise.resolve(one.key.name === 'my-pool' ? 'recorded' : 'refused');
    },
    log: { warn: (fields, message) => logged.push([message, fields]) },
  });
  return { app, received, logged };
}

const good = { pool: 'my-pool', startedAt: '2026-01-02T03:00:00Z', sequence: 3, active: 2, total: 150 };
const post = (body: unknown, token = 'pod') => ({
  method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('POST /status/reports', () => {
  test('answers 204 once the report of a Pod is counted for the pool of its namespace', async () => {
    const { app, received } = createWorld();
    const body = { ...good, lastConnectionTime: '2026-01-02T04:00:00+01:00' };
    expect((await app.request('/status/reports', post(body))).status).toBe(204);
    expect(received).toEqual([
      {
        key: { namespace: 'tenant-a', name: 'my-pool' },
        reporter: { namespace: 'tenant-a', pod: 'my-pool-gateway-1', uid: 'uid-of-pod' },
        report: {
          startedAt: new Date('2026-01-02T03:00:00Z'),
          sequence: 3,
          active: 2,
          total: 150,
          lastConnectionTime: new Date('2026-01-02T03:00:00Z'),
        },
      },
    ]);
  });

  test.each(['stranger', 'account', 'person', ''])('answers 401 to the token of %j, which is no Pod', async (token) => {
    const { app, received } = createWorld();
    const answer = await app.request('/status/reports', post(good, token));
    expect([answer.status, await answer.text(), answer.headers.get('www-authenticate')]).toEqual([
      401,
      'expected a token of a Pod',
      'Bearer',
    ]);
    expect(received).toEqual([]);
  });

  test('answers 403 to a Pod of another pool', async () => {
    const answer = await createWorld().app.request('/status/reports', post({ ...good, pool: 'other-pool' }));
    expect([answer.status, await answer.text()]).toEqual([403, 'not a Pod of the gateway of this pool']);
  });

  test.each([
    ['no JSON', '{', 'body: expected a JSON object, got nothing'],
    ['no object', [], 'body: expected a JSON object, got an array of 0'],
    [
      'a field missing',
      { ...good, total: undefined },
      'total: expected an integer from 0 to 9007199254740991, got nothing',
    ],
    ['a negative count', { ...good, active: -1 }, 'active: expected an integer from 0 to 2147483647, got -1'],
    ['a count that is none', { ...good, active: 1.5 }, 'active: expected an integer from 0 to 2147483647, got 1.5'],
    [
      'a large number',
      { ...good, total: 2 ** 53 },
      'total: expected an integer from 0 to 9007199254740991, got 9007199254740992',
    ],
    ['a bad time', { ...good, startedAt: 'today' }, 'startedAt: expected a time as in RFC 3339, got "today"'],
    ['a bad pool', { ...good, pool: '../x' }, 'pool: expected the name of a pool, got "../x"'],
    ['an unknown field', { ...good, namespace: 'tenant-b' }, 'namespace: expected no such field, got "tenant-b"'],
  ])('answers 400 to %s, naming the field', async (_, body, message) => {
    const { app, received } = createWorld();
    const answer = await app.request('/status/reports', post(body));
    expect([answer.status, await answer.text()]).toEqual([400, message]);
    expect(received).toEqual([]);
  });

  test('answers 413 to a body that is too large', async () => {
    const answer = await createWorld().app.request('/status/reports', post('x'.repeat(5000)));
    expect([answer.status, await answer.text()]).toEqual([413, 'body: expected <= 4096 bytes']);
  });

  test('answers 503 when the report could not be written', async () => {
    const { app, logged } = createWorld(new Error('apiserver unreachable'));
    const answer = await app.request('/status/reports', post(good));
    expect([answer.status, await answer.text(), answer.headers.get('retry-after')]).toEqual([503, 'try again', '2']);
    expect(logged).toEqual([['report not counted', { error: 'apiserver unreachable' }]]);
  });
});

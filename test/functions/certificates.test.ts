import { expect, describe, it } from 'vitest';
import type { Caller } from '../../core/caller.ts';
import type { DecisionReads } from '../../core/certificates/decide.ts';
import type { TokenRefusal } from '../../core/caller.ts';
import { err, ok } from '../../core/result.ts';
import { createCertificatesApp, type CertificatesPorts } from '../../functions/certificates/app.ts';

const principal = (username: string, groups?: string[]): Caller => ({
  kind: 'known',
  principal: { user: { username, ...(groups === undefined ? {} : { groups }) } },
});
const user = { username: 'system:serviceaccount:tenant-a:default', groups: ['system:serviceaccounts'] };
type Spec = NonNullable<Awaited<ReturnType<DecisionReads['getPool']>>>['spec'];
type Access = Spec['access'];
type ClientCertificates = NonNullable<Spec['certificates']>['client'];

const certificate = {
  caCert: 'CA',
  clientCert: 'CERT',
  clientKey: 'KEY',
  serial: 'AB',
  subjectKeyId: 'CD',
  notAfter: 1_790_000_000,
};

const subjectKey = { publicKey: Uint8Array.of(1), keyId: Uint8Array.of(2) };
const nowMs = Date.parse('2026-11-23T12:00:00Z');

/** A cluster of plain data, and what was asked of it. */
function createWorld(
  change: Partial<CertificatesPorts & DecisionReads> = {},
  access?: Access,
  client?: ClientCertificates,
) {
  const asked: string[] = [];
  const logged: object[] = [];
  const existing = ['tenant-a/tenant-pool', 'buildkit-system/shared-pool', 'tenant-b/private-pool'];
  const counted: string[] = [];
  const reads: DecisionReads = {
    reviewAccess: (_, { verb, namespace, name }) => {
      asked.push(`${verb} ${namespace}/${name}`);
      return Promise.resolve(namespace === 'buildkit-system');
    },
    getPool: ({ namespace, name }) => {
      asked.push(`get ${namespace}/${name}`);
      return Promise.resolve(
        existing.includes(`${namespace}/${name}`)
          ? { metadata: { uid: `uid-of-${name}` }, spec: { access, certificates: { client } } }
          : undefined,
      );
    },
    getNamespaceLabels: (namespace) => {
      asked.push(`get namespace ${namespace}`);
      return Promise.resolve({ 'kubernetes.io/metadata.name': namespace });
    },
  };
  const app = createCertificatesApp({
    authenticate: (token) =>
      Promise.resolve(token === 'good' ? ok(principal(user.username, user.groups)) : err(refusalOf(token))),
    openReads: () => ({ ...reads, ...change }),
    readCsr: (csr) =>
      csr === 'CSR' ? { ok: true, value: subjectKey } : { ok: false, error: { expected: 'CSR', got: 'another' } },
    issue: ({ principal, pools, ttlSeconds, subjectKey: sent }) => {
      asked.push(`issue ${principal} ${pools.map(({ uid }) => uid).join('+')} ${ttlSeconds}`);
      const { clientKey, ...withoutKey } = certificate;
      return Promise.resolve({ ok: true, value: sent === undefined ? { ...withoutKey, clientKey } : withoutKey });
    },
    now: () => nowMs,
    newRequestId: () => 'request-1',
    startRequest: () => (outcome) => void counted.push(outcome),
    log: {
      info: (fields, message) => void logged.push({ ...fields, message }),
      error: (fields, message) => void logged.push({ ...fields, message }),
    },
    ...change,
  });
  const post = async (body: unknown, headers: Record<string, string> = {}) =>
    await app.request('/api/v1/certs/request', {
      method: 'POST',
      headers: { authorization: 'Bearer good', 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return { app, post, asked, logged, counted };
}

const problem = (status: number, title: string, code: string, detail: string) => ({
  type: 'about:blank',
  title,
  status,
  detail,
  code,
  requestId: 'request-1',
});
const selectTenantA = {
  from: 'Selector' as const,
  selector: { matchLabels: { 'kubernetes.io/metadata.name': 'tenant-a' } },
};

const refusalOf = (token: string): TokenRefusal =>
  token === 'ended' ? 'expired' : token === 'elsewhere' ? 'other_audience' : 'refused';
const tokenDetails: Readonly<Record<TokenRefusal | 'none', string>> = {
  none: 'expected a bearer token for the audience buildkit.smrt-devops.net, or one of an OIDC issuer that counts here; got no token',
  expired: 'expected a token that is still valid; this one has ended',
  other_audience: 'expected a token for the audience buildkit.smrt-devops.net; this one is for another',
  refused:
    'expected a bearer token for the audience buildkit.smrt-devops.net, or one of an OIDC issuer that counts here',
};
const unauthenticated = problem(
  401,
  'Unauthorized',
  'unauthenticated',
  'expected a bearer token for the audience buildkit.smrt-devops.net, or one of an OIDC issuer that counts here',
);
const tooLarge = problem(413, 'Content Too Large', 'body_too_large', 'expected at most 65536 bytes');

describe('a certificate', () => {
  it('is for all pools, each once, with an endpoint for each name as asked', async () => {
    const { post, asked, logged } = createWorld();
    const answer = await post({
      pools: ['tenant-pool', 'buildkit-system/shared-pool', 'tenant-a/tenant-pool', 'tenant-pool'],
      duration: '30m',
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toEqual({
      caCert: 'CA',
      clientCert: 'CERT',
      clientKey: 'KEY',
      endpoints: {
        'tenant-pool': 'tcp://tenant-pool.tenant-a.svc:1235',
        'tenant-a/tenant-pool': 'tcp://tenant-pool.tenant-a.svc:1235',
        'buildkit-system/shared-pool': 'tcp://shared-pool.buildkit-system.svc:1235',
      },
      expiresAt: '2026-09-21T14:13:20Z',
      serial: 'AB',
      pools: ['tenant-a/tenant-pool', 'buildkit-system/shared-pool'],
      requestId: 'request-1',
    });
    expect(asked).toEqual([
      'get namespace tenant-a',
      'get tenant-a/tenant-pool',
      'get buildkit-system/shared-pool',
      'use buildkit-system/shared-pool',
      'issue system:serviceaccount:tenant-a:default uid-of-tenant-pool+uid-of-shared-pool 1800',
    ]);
    expect(logged).toEqual([
      {
        message: 'certificate request decided',
        requestId: 'request-1',
        principal: 'system:serviceaccount:tenant-a:default',
        outcome: 'issued',
        key: 'made',
        serial: 'AB',
        subjectKeyId: 'CD',
        poolUids: ['uid-of-tenant-pool', 'uid-of-shared-pool'],
      },
    ]);
  });
});

describe('a certificate for a key that was sent', () => {
  it('comes without a key', async () => {
    const { post, asked, logged, counted } = createWorld();
    const answer = await post({ pools: ['tenant-pool'], csr: 'CSR' });
    expect(answer.headers.get('x-request-id')).toBe('request-1');
    expect([answer.status, await answer.json()]).toEqual([
      200,
      {
        caCert: 'CA',
        clientCert: 'CERT',
        endpoints: { 'tenant-pool': 'tcp://tenant-pool.tenant-a.svc:1235' },
        expiresAt: '2026-09-21T14:13:20Z',
        serial: 'AB',
        pools: ['tenant-a/tenant-pool'],
        requestId: 'request-1',
      },
    ]);
    expect(asked.at(-1)).toBe('issue system:serviceaccount:tenant-a:default uid-of-tenant-pool 3600');
    expect(logged).toMatchObject([{ outcome: 'issued', key: 'sent', subjectKeyId: 'CD' }]);
    expect(counted).toEqual(['issued']);
  });

  it('is refused for a request that proves nothing, together with all else that is wrong', async () => {
    const { post, asked, counted } = createWorld();
    const answer = await post({ pools: ['A'], duration: '1s', csr: 'x' });
    const { errors, code } = (await answer.json()) as { code: string; errors: { field: string }[] };
    expect([code, errors.map(({ field }) => field)]).toEqual(['invalid_request', ['pools[0]', 'duration', 'csr']]);
    expect(asked).toEqual([]);
    expect(counted).toEqual(['invalid_request']);
  });

  it("is refused for the CA's own key", async () => {
    const { post } = createWorld({ issue: () => Promise.resolve({ ok: false, error: 'issuer_key' }) });
    const answer = await post({ pools: ['tenant-pool'], csr: 'CSR' });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      {
        ...problem(400, 'Bad Request', 'invalid_request', 'the request is not as it must be'),
        errors: [{ field: 'csr', expected: 'a key of your own', got: 'that of the CA' }],
      },
    ]);
  });
});

describe('the life of a certificate', () => {
  const lives = async (client: ClientCertificates, duration?: string) => {
    const { post, asked } = createWorld({}, undefined, client);
    const answer = await post({ pools: ['tenant-pool'], ...(duration === undefined ? {} : { duration }) });
    return answer.status === 200 ? asked.at(-1)?.split(' ').at(-1) : await answer.json();
  };

  it('is what the pool says where the request says nothing', async () => {
    expect(await lives({ ttl: '20m' })).toBe('1200');
    expect(await lives({ maxTTL: '20m' })).toBe('1200');
  });

  it('is what the request asks for, or the request is refused', async () => {
    expect(await lives({ ttl: '20m', maxTTL: '2h' }, '2h')).toBe('7200');
    expect(await lives({ maxTTL: '1h30m' }, '2h')).toEqual({
      ...problem(400, 'Bad Request', 'duration_too_long', 'a pool that was asked for allows less'),
      errors: [{ field: 'duration', expected: 'at most 1h30m', got: '2h' }],
    });
  });
});

describe('nothing is issued', () => {
  it.each<[string, Access]>([
    [
      'to a principal that was revoked',
      { revokedPrincipals: [{ principal: user.username, before: '2020-01-01T00:00:00Z' }] },
    ],
    ['before the time until which all is revoked', { revokedBefore: '2026-11-23T12:00:01Z' }],
  ])('%s, and the log says why', async (_, access) => {
    const { post, asked, logged } = createWorld({ reviewAccess: () => Promise.resolve(true) }, access);
    const answer = await post({ pools: ['tenant-pool'] });
    expect([answer.status, await answer.json()]).toEqual([
      403,
      problem(403, 'Forbidden', 'pool_forbidden', 'not permitted to use these pools: "tenant-pool"'),
    ]);
    expect(asked.some((call) => call.startsWith('issue'))).toBe(false);
    expect(logged).toMatchObject([{ outcome: 'pool_forbidden', reason: 'revoked' }]);
  });
});

it('is issued when its request came: what is taken back while it is decided holds for it', async () => {
  let clockMs = nowMs;
  const issuedAt: number[] = [];
  const { post } = createWorld({
    now: () => clockMs,
    getPool: () => {
      clockMs += 5_000;
      return Promise.resolve({ metadata: { uid: 'uid' }, spec: {} });
    },
    issue: ({ issuedAtMs }) => {
      issuedAt.push(issuedAtMs);
      return Promise.resolve({ ok: true, value: certificate });
    },
  });
  expect((await post({ pools: ['tenant-pool'] })).status).toBe(200);
  expect(issuedAt).toEqual([nowMs]);
});

it('shows strangers no metrics', async () => {
  expect((await createWorld().app.request('/metrics')).status).toBe(404);
});

describe('permission', () => {
  it.each([
    ['exists', 'tenant-b/private-pool'],
    ['does not exist', 'tenant-b/nothing'],
    ['is in a namespace that does not exist', 'nowhere/nothing'],
  ])('is refused alike when a forbidden pool %s, after the same calls', async (_, pool) => {
    const { post, asked, logged } = createWorld();
    const answer = await post({ pools: ['tenant-pool', pool] });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toEqual(
      problem(403, 'Forbidden', 'pool_forbidden', `not permitted to use these pools: "${pool}"`),
    );
    expect(asked).toEqual(['get namespace tenant-a', 'get tenant-a/tenant-pool', `get ${pool}`, `use ${pool}`]);
    expect(logged).toMatchObject([{ principal: user.username, outcome: 'pool_forbidden' }]);
  });

  it('names every forbidden pool by every name it was asked by, and none that is permitted', async () => {
    const { post } = createWorld();
    const answer = await post({ pools: ['tenant-b/one', 'tenant-pool', 'tenant-b/two', 'tenant-b/one'] });
    expect(await answer.json()).toMatchObject({
      detail: 'not permitted to use these pools: "tenant-b/one", "tenant-b/two"',
    });
  });

  it.each([
    ['tenant-pool', 'being deleted: "tenant-pool"'],
    ['absent', 'no such pool: "absent"; being deleted: "tenant-pool"'],
  ])('issues nothing for a pool that is being deleted, asked for beside %s', async (other, detail) => {
    const metadata = { uid: 'uid', deletionTimestamp: '2026-11-23T11:00:00Z' };
    const { post, asked } = createWorld({
      getPool: ({ name }) => Promise.resolve(name === 'absent' ? undefined : { metadata, spec: {} }),
    });
    const answer = await post({ pools: [...new Set(['tenant-pool', other])] });
    expect([answer.status, await answer.json()]).toEqual([404, problem(404, 'Not Found', 'pool_not_found', detail)]);
    expect(asked.some((call) => call.startsWith('issue'))).toBe(false);
  });

  it('hides from a stranger that a pool is being deleted', async () => {
    const metadata = { uid: 'uid', deletionTimestamp: '2026-11-23T11:00:00Z' };
    const { post } = createWorld({ getPool: () => Promise.resolve({ metadata, spec: {} }) });
    expect((await post({ pools: ['tenant-b/private-pool'] })).status).toBe(403);
  });

  it('answers 404 to a caller that may use the missing pool', async () => {
    const { post, asked } = createWorld();
    const answer = await post({ pools: ['tenant-pool', 'absent', 'buildkit-system/absent'] });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual(
      problem(404, 'Not Found', 'pool_not_found', 'no such pool: "absent", "buildkit-system/absent"'),
    );
    expect(asked.some((call) => call.startsWith('issue'))).toBe(false);
  });

  it('requires a namespace in the name from a principal that has none', async () => {
    const { post } = createWorld({ authenticate: () => Promise.resolve(ok(principal('dev@tenant-a'))) });
    const answer = await post({ pools: ['tenant-pool'] });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({
      ...problem(400, 'Bad Request', 'invalid_request', 'a pool needs its namespace'),
      errors: [
        {
          field: 'pools[0]',
          expected: '<namespace>/<pool>, since no namespace follows from the token',
          got: '"tenant-pool"',
        },
      ],
    });
  });

  it.each<[string, Access]>([
    ['a rule', { clients: { rules: [{ users: ['system:serviceaccount:tenant-a:*'] }] } }],
    ['a grant to all', { clients: { namespaces: { from: 'All' } } }],
    ['a grant to its namespace', { clients: { namespaces: selectTenantA } }],
  ])('is given to %s, without a review', async (_, access) => {
    const { post, asked } = createWorld({}, access);
    expect((await post({ pools: ['tenant-b/private-pool'] })).status).toBe(200);
    expect(asked.filter((call) => call.startsWith('use'))).toEqual([]);
  });

  it.each<[string, Access]>([
    ['a rule for others', { clients: { rules: [{ users: ['*', 'system:serviceaccount:tenant-b:*'] }] } }],
    ['a rule for another pool', { clients: { rules: [{ users: ['system:serviceaccount:*'], pools: ['other'] }] } }],
    ['a grant to workers', { workers: { namespaces: { from: 'All' } } }],
    ['a grant to its own namespace', { clients: { namespaces: { from: 'Same' } } }],
  ])('is not given to %s', async (_, access) => {
    const { post, asked } = createWorld({}, access);
    expect((await post({ pools: ['tenant-b/private-pool'] })).status).toBe(403);
    expect(asked).toContain('use tenant-b/private-pool');
  });

  it('closes its own namespace with None, where rules and reviews still count', async () => {
    const none: Access = { clients: { namespaces: { from: 'None' } } };
    const closed = createWorld({}, none);
    expect((await closed.post({ pools: ['tenant-pool'] })).status).toBe(403);
    expect(closed.asked).toEqual(['get tenant-a/tenant-pool', 'use tenant-a/tenant-pool']);
    const rules = [{ users: [user.username] }];
    const named = createWorld({}, { clients: { ...none.clients, rules } });
    expect((await named.post({ pools: ['tenant-pool'] })).status).toBe(200);
    const reviewed = createWorld({ reviewAccess: () => Promise.resolve(true) }, none);
    expect((await reviewed.post({ pools: ['tenant-pool'] })).status).toBe(200);
  });

  it('is given by grants to ServiceAccounts only', async () => {
    const authenticate = () => Promise.resolve(ok(principal('dev@tenant-a')));
    const access: Access = { clients: { namespaces: { from: 'All' }, rules: [{ users: ['*'] }] } };
    const { post } = createWorld({ authenticate }, access);
    expect((await post({ pools: ['tenant-b/private-pool'] })).status).toBe(403);
  });

  it('is not given from a namespace that does not exist', async () => {
    const access: Access = { clients: { namespaces: { from: 'All' } } };
    const { post } = createWorld({ getNamespaceLabels: () => Promise.resolve(undefined) }, access);
    expect((await post({ pools: ['tenant-b/private-pool'] })).status).toBe(403);
  });

  it('is reviewed for at most four pools at once', async () => {
    let running = 0;
    let most = 0;
    const { post } = createWorld({
      reviewAccess: async () => {
        most = Math.max(most, ++running);
        await Promise.resolve();
        running--;
        return true;
      },
    });
    await post({ pools: Array.from({ length: 16 }, (_, index) => `tenant-b/p${index}`) });
    expect(most).toBe(4);
  });
});

describe('checks come in order:', () => {
  const big = 'x'.repeat(65_537);

  it('413 before 401, when the head says so', async () => {
    const { post } = createWorld();
    const length = String(big.length);
    const answer = await post(big, { authorization: '', 'content-type': 'text/plain', 'content-length': length });
    expect([answer.status, await answer.json()]).toEqual([413, tooLarge]);
  });

  it.each([
    ['401 before any of the body is read', 'Bearer bad', 401, 0],
    ['413 as soon as too much was read', 'Bearer good', 413, 200_000],
  ])('%s, when no length was announced', async (_, authorization, status, most) => {
    const { app } = createWorld();
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          pulled += 16_384;
          controller.enqueue(new Uint8Array(16_384));
        },
      },
      { highWaterMark: 0 },
    );
    const headers = { authorization, 'content-type': 'application/json' };
    const answer = await app.request('/api/v1/certs/request', { method: 'POST', headers, body, duplex: 'half' });
    expect([answer.status, await answer.json()]).toEqual([status, status === 401 ? unauthenticated : tooLarge]);
    expect(pulled).toBeLessThanOrEqual(most);
  });

  it.each<[string, TokenRefusal | 'none']>([
    ['', 'none'],
    ['Bearer bad', 'refused'],
    ['Basic good', 'none'],
    ['good', 'none'],
    ['Bearer good bad', 'none'],
    ['Bearer', 'none'],
    ['Bearer ended', 'expired'],
    ['Bearer elsewhere', 'other_audience'],
  ])('401 for %j before 415, and says that it is %s', async (authorization, why) => {
    const { post } = createWorld();
    const answer = await post('{', { authorization, 'content-type': 'text/plain' });
    expect([answer.status, await answer.json()]).toEqual([401, { ...unauthenticated, detail: tokenDetails[why] }]);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="buildkit.smrt-devops.net"');
  });

  it.each(['text/plain', 'application/json; charset=latin1', 'application/jsonp', ''])(
    '415 for %j before 400',
    async (contentType) => {
      const { post } = createWorld();
      const answer = await post('{', { 'content-type': contentType });
      expect([answer.status, await answer.json()]).toEqual([
        415,
        problem(
          415,
          'Unsupported Media Type',
          'unsupported_media_type',
          `expected application/json in UTF-8, got "${contentType}"`,
        ),
      ]);
    },
  );

  it.each(['{', '', '\ud800'.repeat(2) + '{'])('400 for %j', async (body) => {
    const { post } = createWorld();
    const answer = await post(body, { 'content-type': 'application/json; charset=UTF-8' });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      {
        ...problem(400, 'Bad Request', 'invalid_request', 'the request is not as it must be'),
        errors: [{ field: 'body', expected: 'a JSON object', got: 'something that is not JSON in UTF-8' }],
      },
    ]);
  });

  it('400 before 403', async () => {
    const { post, asked } = createWorld();
    const answer = await post({ pools: ['tenant-b/private-pool'], certSecretName: 's' });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      {
        ...problem(400, 'Bad Request', 'unsupported_field', 'the request is not as it must be'),
        errors: [{ field: 'certSecretName', expected: 'no such field', got: '"s"' }],
      },
    ]);
    expect(asked).toEqual([]);
  });
});

describe('503 with Retry-After', () => {
  const broken = () => Promise.reject(new Error('apiserver unreachable'));
  it.each<[string, Partial<CertificatesPorts & DecisionReads>]>([
    ['nobody can say whose token it is', { authenticate: broken }],
    ['nobody can say who may use a pool', { reviewAccess: broken }],
    ['nobody can say what labels a namespace has', { getNamespaceLabels: broken }],
    ['nobody can say whether a pool exists', { getPool: broken }],
    ['there is no CA', { issue: broken }],
  ])('when %s', async (_, change) => {
    const { post, logged, counted } = createWorld(change);
    const answer = await post({ pools: ['tenant-pool', 'buildkit-system/shared-pool'] });
    expect(counted).toEqual(['unavailable']);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect([answer.status, await answer.json()]).toEqual([
      503,
      problem(503, 'Service Unavailable', 'unavailable', 'a part this needs is not there; try again'),
    ]);
    expect(logged).toEqual([
      { message: 'request not answered', requestId: 'request-1', error: 'apiserver unreachable' },
    ]);
  });
});

describe('paths', () => {
  it.each(['/api/v1/health', '/healthz', '/readyz'])('answers OK at %s without a token', async (path) => {
    const answer = await createWorld().app.request(path);
    expect([answer.status, await answer.text()]).toEqual([200, 'OK']);
  });

  it('serves the description of the API', async () => {
    const answer = await createWorld().app.request('/openapi.json');
    expect(await answer.json()).toMatchObject({ openapi: '3.1.0', paths: { '/api/v1/certs/request': { post: {} } } });
  });

  it('answers 404 elsewhere', async () => {
    const answer = await createWorld().app.request('/api/v2');
    expect([answer.status, await answer.json()]).toEqual([404, problem(404, 'Not Found', 'not_found', 'no such path')]);
  });

  it.each([
    ['GET', '/api/v1/certs/request', 'POST'],
    ['POST', '/api/v1/health', 'GET, HEAD'],
    ['DELETE', '/openapi.json', 'GET, HEAD'],
  ])('answers %s %s with 405', async (method, path, allowed) => {
    const answer = await createWorld().app.request(path, { method });
    expect(answer.headers.get('allow')).toBe(allowed);
    expect([answer.status, await answer.json()]).toEqual([
      405,
      problem(405, 'Method Not Allowed', 'method_not_allowed', `expected ${allowed}`),
    ]);
  });
});

it('never logs a token or a key', async () => {
  const { post, logged } = createWorld();
  await post({ pools: ['tenant-pool'] });
  await post({ pools: ['tenant-b/x'] });
  expect(JSON.stringify(logged)).not.toMatch(/good|KEY/);
});

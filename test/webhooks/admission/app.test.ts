import { isSchedule } from '../../../adapters/cron.ts';
import { parseToml } from '../../../adapters/toml.ts';
import { describe, expect, it } from 'vitest';
import type { AdmissionAnswer, AdmissionRequest } from '../../../api/http/admission-review.ts';
import { maxReviewBodyBytes } from '../../../api/limits/webhooks.ts';
import type { ValidationPorts } from '../../../core/admission/decide.ts';
import { createAdmissionApp } from '../../../webhooks/admission/app.ts';
import { developer, makeAdmissionRequest, makeWorker, patchOf } from '../../core/admission/reviews.ts';

interface Line {
  readonly level: 'info' | 'error';
  readonly facts: object;
  readonly message: string;
}

function makeApp(changes: Partial<ValidationPorts> = {}) {
  const lines: Line[] = [];
  const reviews: string[] = [];
  const ports: ValidationPorts = {
    reviewAccess: () => Promise.resolve(false),
    getPool: () => Promise.resolve({ spec: {} }),
    getNamespaceLabels: () => Promise.resolve({}),
    isAttachCounted: true,
    listReferrers: () => Promise.resolve({ namespaces: [], isComplete: true }),
    listNamespaceLabels: () => Promise.resolve(new Map()),
    listOidcConfigs: () => Promise.resolve([]),
    clusterIssuer: 'https://cluster.example',
    isSchedule,
    parseToml,
    ...changes,
  };
  const app = createAdmissionApp({
    openPorts: () => ports,
    log: {
      info: (facts, message) => lines.push({ level: 'info', facts, message }),
      error: (facts, message) => lines.push({ level: 'error', facts, message }),
    },
    startReview: (webhook) => (outcome) => void reviews.push(`${webhook} ${outcome}`),
  });
  const post = async (path: string, body: string | ReadableStream, contentType = 'application/json') =>
    await app.request(path, {
      method: 'POST',
      headers: {
        'content-type': contentType,
        ...(typeof body === 'string' ? { 'content-length': String(Buffer.byteLength(body)) } : {}),
      },
      body,
      duplex: 'half',
    });
  const review = async (path: string, changes: Partial<AdmissionRequest> = {}) => {
    const request = makeAdmissionRequest(changes);
    const response = await post(
      path,
      JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }),
    );
    expect(response.status).toBe(200);
    return (await response.json()) as AdmissionAnswer;
  };
  return { app, post, review, lines, reviews };
}

const stampedSpec = { poolRef: { name: 'my-pool', namespace: 'tenant-a' }, requester: developer };
const foreignSpec = { poolRef: { name: 'p', namespace: 'elsewhere' }, requester: developer };

describe('a review', () => {
  it('is answered with its uid and a patch by /mutate', async () => {
    const { review, lines } = makeApp();
    const answer = await review('/mutate', { uid: 'abc' });
    expect(answer.response).toMatchObject({ uid: 'abc', allowed: true, patchType: 'JSONPatch' });
    expect(patchOf(answer)).toHaveLength(2);
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'admission decided',
        facts: {
          uid: 'abc',
          user: 'dev@tenant-a',
          operation: 'CREATE',
          namespace: 'tenant-a',
          name: 'worker-1',
          outcome: 'patched',
          reason: undefined,
        },
      },
    ]);
  });

  it('is answered by /validate', async () => {
    const { review, lines } = makeApp();
    expect(await review('/validate', { object: makeWorker(stampedSpec) })).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'review-1', allowed: true },
    });
    expect(lines).toMatchObject([{ facts: { outcome: 'allowed' } }]);
  });

  it('is denied with status 200', async () => {
    const { review, lines } = makeApp();
    const answer = await review('/validate', { object: makeWorker(foreignSpec) });
    expect(answer.response).toMatchObject({ allowed: false, status: { code: 403, reason: 'Forbidden' } });
    expect(lines).toMatchObject([{ facts: { outcome: 'denied', reason: 'Forbidden' } }]);
  });

  it.each([
    ['reviewAccess', foreignSpec],
    ['getNamespaceLabels', foreignSpec],
    ['getPool', stampedSpec],
  ])('is denied, to be tried again, when %s fails', async (port, spec) => {
    const { review, lines } = makeApp({ [port]: () => Promise.reject(new Error('apiserver unreachable')) });
    expect((await review('/validate', { object: makeWorker(spec) })).response).toEqual({
      uid: 'review-1',
      allowed: false,
      status: {
        code: 503,
        reason: 'ServiceUnavailable',
        message: 'spec.poolRef: the apiserver could not be asked about the reference; the request may be retried',
        details: {
          name: 'worker-1',
          group: 'buildkit.smrt-devops.net',
          kind: 'BuildKitWorker',
          retryAfterSeconds: 1,
        },
      },
    });
    expect(lines).toMatchObject([
      { level: 'error', message: 'admission undecided', facts: { error: 'apiserver unreachable' } },
      { level: 'info', facts: { outcome: 'unavailable', reason: 'ServiceUnavailable' } },
    ]);
  });

  it('is counted once, by its outcome', async () => {
    const { review, post, reviews } = makeApp({ reviewAccess: (user) => Promise.reject(new Error(user.username)) });
    await review('/mutate');
    await review('/mutate', { object: makeWorker({}) });
    await review('/validate');
    await review('/validate', { object: makeWorker(foreignSpec) });
    await post('/validate', '{}');
    expect(reviews).toEqual([
      'mutate patched',
      'mutate allowed',
      'validate denied',
      'validate unavailable',
      'validate malformed',
    ]);
  });

  it.each(['/mutate', '/validate'])('of something else is denied by %s', async (path) => {
    const { review } = makeApp();
    expect((await review(path, { operation: 'DELETE' })).response).toEqual({
      uid: 'review-1',
      allowed: false,
      status: {
        code: 400,
        reason: 'BadRequest',
        message: 'request.operation: expected CREATE or UPDATE, got DELETE',
        details: { name: 'worker-1', group: 'buildkit.smrt-devops.net', kind: 'BuildKitWorker' },
      },
    });
  });
});

describe('a body', () => {
  const envelope = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: makeAdmissionRequest() };

  it.each([
    ['', 'body: expected JSON'],
    ['{"apiVersion":', 'body: expected JSON'],
    ['[]', ': Invalid input: expected object, received array'],
    [
      JSON.stringify({ ...envelope, apiVersion: 'admission.k8s.io/v1beta1' }),
      'apiVersion: Invalid input: expected "admission.k8s.io/v1"',
    ],
    [JSON.stringify({ ...envelope, kind: 'Review' }), 'kind: Invalid input: expected "AdmissionReview"'],
    [
      JSON.stringify({ ...envelope, request: undefined }),
      'request: Invalid input: expected object, received undefined',
    ],
    [
      JSON.stringify({ ...envelope, request: { ...envelope.request, uid: '', userInfo: { username: 7 } } }),
      'request.uid: Too small: expected string to have >=1 characters; request.userInfo.username: Invalid input: expected string, received number',
    ],
  ])('that is no review gets 400 and the field: %s', async (body, text) => {
    const { post, lines } = makeApp();
    const response = await post('/validate', body);
    expect([response.status, await response.text()]).toEqual([400, text]);
    expect(lines).toEqual([]);
  });

  it('of another type gets 415', async () => {
    const { post } = makeApp();
    expect((await post('/mutate', JSON.stringify(envelope), 'text/plain')).status).toBe(415);
    expect((await post('/mutate', JSON.stringify(envelope), 'Application/JSON; charset=utf-8')).status).toBe(200);
  });

  it('above the limit gets 413, and one without a length 411', async () => {
    const { post, reviews } = makeApp();
    const body = 'x'.repeat(maxReviewBodyBytes + 1);
    expect((await post('/mutate', body)).status).toBe(413);
    expect((await post('/mutate', new Blob([body]).stream())).status).toBe(411);
    expect(reviews).toEqual(['mutate malformed', 'mutate malformed']);
  });

  it('of which too much is held at once is turned away, and the next is not', async () => {
    const { promise: allowed, resolve: allow } = Promise.withResolvers<boolean>();
    const { post } = makeApp({ reviewAccess: () => allowed });
    const filler = 'x'.repeat(maxReviewBodyBytes / 2);
    const request = { ...envelope.request, object: makeWorker({ ...foreignSpec, filler }) };
    const first = post('/validate', JSON.stringify({ ...envelope, request }));
    const second = await post('/validate', JSON.stringify({ ...envelope, request }));
    expect([second.status, await second.text()]).toEqual([503, 'busy: too many large reviews at once']);
    expect((await post('/mutate', JSON.stringify(envelope))).status).toBe(200);
    allow(true);
    expect((await first).status).toBe(200);
    expect((await post('/mutate', JSON.stringify({ ...envelope, request }))).status).toBe(200);
  });

  it.each([
    ['lone surrogates', makeWorker({ poolRef: { name: '\ud800' }, requester: '\udfff' })],
    [
      '__proto__',
      JSON.parse('{"__proto__": {"spec": {}}, "spec": {"__proto__": {"poolRef": {}}, "poolRef": {"name": "p"}}}'),
    ],
    ['constructor', { constructor: {}, spec: { poolRef: { name: 'p', toString: 1 } } }],
  ])('with %s does no harm', async (_, object: unknown) => {
    const { review } = makeApp();
    const answer = await review('/mutate', { object });
    expect(patchOf(answer)).toHaveLength(2);
    expect((await review('/validate', { object })).response.allowed).toBe(false);
    expect(({} as { spec?: unknown }).spec).toBeUndefined();
  });

  it('that is nested a million deep does no harm', async () => {
    const { post } = makeApp();
    const deep = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
    const text = JSON.stringify({ ...envelope, request: { ...envelope.request, object: 'DEEP' } });
    const response = await post(
      '/mutate',
      text.replace('"DEEP"', () => `{"spec":{"poolRef":{"name":"p"},"requester":${deep}}}`),
    );
    expect(patchOf((await response.json()) as AdmissionAnswer)).toHaveLength(2);
  });
});

describe('the app', () => {
  it('has nothing else', async () => {
    const { app } = makeApp();
    expect((await app.request('/mutate')).status).toBe(404);
    expect((await app.request('/convert', { method: 'POST' })).status).toBe(404);
  });
});

describe('a hostile list', () => {
  it('is answered with one finding, however many of its elements are wrong', async () => {
    const { post } = makeApp();
    const userInfo = { username: 'dev@tenant-a', groups: Array.from({ length: 100_000 }, () => 1) };
    const request = { ...makeAdmissionRequest({}), userInfo };
    const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
    const answer = await post('/validate', body);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toBe('request.userInfo.groups: expected a list of strings');
  });
});

describe('a name longer than any object may have', () => {
  it('is left to the apiserver to refuse', async () => {
    const { review } = makeApp();
    const answer = await review('/validate', { name: 'w'.repeat(5000), object: makeWorker(stampedSpec) });
    expect(answer.response.allowed).toBe(true);
  });
});

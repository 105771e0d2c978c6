import { describe, expect, it } from 'vitest';
import { maxConversionBodyBytes, maxConversionValues } from '../../../api/limits/webhooks.ts';
import { createConversionApp } from '../../../webhooks/conversion/app.ts';

const group = 'buildkit.smrt-devops.net';

function makeApp() {
  const lines: object[] = [];
  const reviews: string[] = [];
  const app = createConversionApp({
    log: { error: (facts, message) => lines.push({ message, ...facts }) },
    startReview: (webhook) => (outcome) => void reviews.push(`${webhook} ${outcome}`),
  });
  const post = async (body: string, contentType = 'application/json') =>
    await app.request('/convert', {
      method: 'POST',
      headers: { 'content-type': contentType, 'content-length': String(Buffer.byteLength(body)) },
      body,
    });
  const review = async (objects: unknown[], desiredAPIVersion = `${group}/v1beta1`) => {
    const response = await post(JSON.stringify(makeReview({ uid: 'review-1', desiredAPIVersion, objects })));
    expect(response.status).toBe(200);
    return (await response.json()) as { response: unknown };
  };
  return { app, post, review, lines, reviews };
}

const makeReview = (request: unknown) => ({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', request });

const pool = (version: string, name: string, spec: object = {}) => ({
  apiVersion: `${group}/${version}`,
  kind: 'BuildKitPool',
  metadata: { name, namespace: 'tenant-a', uid: name },
  spec,
});
const worker = (version: string, name: string) => ({
  ...pool(version, name, { poolRef: { name: 'pool' } }),
  kind: 'BuildKitWorker',
});

describe('a review', () => {
  it('of a mixed list is answered in order, with its uid', async () => {
    const { review, lines, reviews } = makeApp();
    const objects = [
      pool('v1alpha1', 'a', { buildkitImage: 'i' }),
      pool('v1beta1', 'b', { workers: { image: 'i' } }),
      worker('v1alpha1', 'c'),
    ];
    expect(await review(objects)).toEqual({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'ConversionReview',
      response: {
        uid: 'review-1',
        convertedObjects: [
          pool('v1beta1', 'a', { workers: { image: 'i' } }),
          pool('v1beta1', 'b', { workers: { image: 'i' } }),
          worker('v1beta1', 'c'),
        ],
        result: { status: 'Success' },
      },
    });
    expect(lines).toEqual([]);
    expect(reviews).toEqual(['convert converted']);
  });

  it('of nothing succeeds', async () => {
    expect(await makeApp().review([])).toMatchObject({
      response: { convertedObjects: [], result: { status: 'Success' } },
    });
  });

  it.each([
    [[], `${group}/v2`, `desiredAPIVersion: expected ${group}/v1alpha1 or ${group}/v1beta1, got "${group}/v2"`],
    [
      [pool('v1alpha1', 'a'), { ...pool('v1alpha1', 'b'), kind: 'Pod' }],
      `${group}/v1beta1`,
      `objects[1]: expected a kind of ${group}, got "${group}/v1alpha1" "Pod"`,
    ],
    [
      [pool('v3', 'a')],
      `${group}/v1beta1`,
      `objects[0]: expected a kind of ${group}, got "${group}/v3" "BuildKitPool"`,
    ],
    [[7], `${group}/v1beta1`, 'objects[0]: expected an object, got number'],
  ])('of what is not ours fails as a whole, by name: %j', async (objects, version, message) => {
    const { review, lines, reviews } = makeApp();
    expect(await review(objects, version)).toMatchObject({
      response: { uid: 'review-1', convertedObjects: [], result: { status: 'Failure', message } },
    });
    expect(lines).toEqual([{ message: 'conversion failed', uid: 'review-1', error: message }]);
    expect(reviews).toEqual(['convert failed']);
  });
});

describe('a body', () => {
  it.each([
    ['{', 400, 'body: expected JSON'],
    ['7', 400, ': Invalid input: expected object, received number'],
    [
      JSON.stringify(makeReview({ desiredAPIVersion: 'v', objects: [] })),
      400,
      'request.uid: Invalid input: expected string, received undefined',
    ],
    [
      JSON.stringify(makeReview({ uid: 'u', desiredAPIVersion: 'v', objects: {} })),
      400,
      'request.objects: Invalid input: expected array, received object',
    ],
    [
      JSON.stringify({
        ...makeReview({ uid: 'u', desiredAPIVersion: 'v', objects: [] }),
        apiVersion: 'apiextensions.k8s.io/v1beta1',
      }),
      400,
      'apiVersion: Invalid input: expected "apiextensions.k8s.io/v1"',
    ],
  ])('that is no review gets its answer: %s', async (body, status, text) => {
    const response = await makeApp().post(body);
    expect([response.status, await response.text()]).toEqual([status, text]);
  });

  it('of another type gets 415', async () => {
    expect((await makeApp().post('{}', 'text/plain')).status).toBe(415);
  });

  it('above the limit gets 413', async () => {
    expect((await makeApp().post('x'.repeat(maxConversionBodyBytes + 1))).status).toBe(413);
  });

  it('of more values than are ever listed gets 413', async () => {
    const { post, reviews } = makeApp();
    const objects = `[${'0,'.repeat(maxConversionValues)}0]`;
    expect((await post(objects)).status).toBe(413);
    expect(reviews).toEqual(['convert malformed']);
  });

  it('without a length gets 411', async () => {
    const { app } = makeApp();
    const headers = { 'content-type': 'application/json' };
    expect((await app.request('/convert', { method: 'POST', headers, body: '{}' })).status).toBe(411);
  });

  it('of which too much is held at once gives way to others, and is to be sent again', async () => {
    const { app, post, reviews } = makeApp();
    const headers = { 'content-type': 'application/json', 'content-length': String(maxConversionBodyBytes) };
    const chunk = new Uint8Array(maxConversionBodyBytes);
    const sent = [0, 1, 2].map(() => {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const hold = { method: 'POST', headers, body: readable, duplex: 'half' } as const;
      return { writer: writable.getWriter(), answer: app.request('/convert', hold) };
    });
    for (const { writer } of sent) await writer.write(chunk);
    expect((await post('{}')).status).toBe(400);
    for (const { writer } of sent) await writer.close();
    const [first, ...others] = await Promise.all(sent.map(async ({ answer }) => await answer));
    expect([first?.status, first?.headers.get('retry-after'), await first?.text()]).toEqual([
      503,
      '1',
      'busy: too many large reviews at once',
    ]);
    expect(others.map(({ status }) => status)).toEqual([400, 400]);
    expect(reviews).toEqual(['convert malformed', 'convert unavailable', 'convert malformed', 'convert malformed']);
  });

  it('that breaks off is no fault of ours', async () => {
    const { app, reviews, lines } = makeApp();
    const headers = { 'content-type': 'application/json', 'content-length': String(maxConversionBodyBytes) };
    const body = new ReadableStream({
      pull: (controller) => {
        controller.error(new Error('gone'));
      },
    });
    const answer = await app.request('/convert', { method: 'POST', headers, body, duplex: 'half' });
    expect([answer.status, await answer.text()]).toEqual([400, 'body: ended early']);
    expect([reviews, lines]).toEqual([['convert malformed'], []]);
  });

  it('that is nested a million deep breaks nothing but its own answer', async () => {
    const { post, review } = makeApp();
    const deep = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
    const objects = [pool('v1alpha1', 'a', { cache: 'DEEP' })];
    const text = JSON.stringify(makeReview({ uid: 'u', desiredAPIVersion: `${group}/v1beta1`, objects }));
    expect((await post(text.replace('"DEEP"', () => deep))).status).toBe(500);
    expect(await review(objects)).toMatchObject({ response: { result: { status: 'Success' } } });
  });
});

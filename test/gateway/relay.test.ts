/** What a gateway passes on for the workers of its pool, and all that it does not. */
import { describe, expect, it } from 'vitest';
import { KEYS_PATH, WORKER_KEYS_PATH, type WorkerKeysRequest } from '../../api/http/keys.ts';
import { maxRelayedKeys } from '../../api/limits/gateway.ts';
import { maxWorkerKeysBodyBytes } from '../../api/limits/lifecycle.ts';
import { createRelayApp, type RelayPorts } from '../../gateway/relay.ts';

const request: WorkerKeysRequest = { worker: 'worker-1', serverCsr: 'CSR' };
const keys = { server: 'certificate', clientCa: 'CA' };

function createWorld(sign: RelayPorts['signWorkerKeys'] = () => Promise.resolve({ status: 200, keys })) {
  const asked: unknown[] = [];
  const warnings: object[] = [];
  const app = createRelayApp({
    signWorkerKeys: (...call) => {
      asked.push(call);
      return sign(...call);
    },
    log: { warn: (fields) => warnings.push(fields) },
  });
  const post = async (body: string, { path = WORKER_KEYS_PATH, ...headers }: Readonly<Record<string, string>> = {}) => {
    const init = { method: 'POST', body, headers: { authorization: 'Bearer of-the-worker', ...headers } };
    const answer = await app.request(path, init);
    return { status: answer.status, text: await answer.text() };
  };
  return { app, asked, warnings, post };
}

describe('a gateway relays', () => {
  it('the CSR of a worker with the token of its Pod, and the certificate', async () => {
    const { post, asked } = createWorld();
    expect(await post(JSON.stringify(request))).toEqual({ status: 200, text: JSON.stringify(keys) });
    expect(asked).toEqual([[request, 'of-the-worker']]);
  });

  it.each([400, 401, 403] as const)('a refusal with status %i, in words of its own', async (status) => {
    const { post } = createWorld(() => Promise.resolve({ status }));
    const answer = await post(JSON.stringify(request));
    expect(answer.status).toBe(status);
    expect(answer.text).toMatch(/^(expected|not) /);
  });

  it('no reason why nobody answered', async () => {
    const { post, warnings } = createWorld(() => Promise.reject(new Error('10.0.0.1 refused')));
    expect(await post(JSON.stringify(request))).toEqual({ status: 503, text: 'try again' });
    expect(warnings).toEqual([{ error: '10.0.0.1 refused' }]);
  });
});

describe('a gateway does not relay', () => {
  it.each([
    ['what has no token', 401, JSON.stringify(request), { authorization: 'Basic b2Y6dGhlbQ==' }],
    ['what is no JSON', 400, 'CSR', {}],
    ['what lacks a CSR', 400, JSON.stringify({ worker: 'worker-1' }), {}],
    ['what holds more than a CSR', 400, JSON.stringify({ ...request, pool: 'other' }), {}],
    ['what is too large', 413, ' '.repeat(maxWorkerKeysBodyBytes + 1), {}],
    ['the keys of a gateway', 404, JSON.stringify(request), { path: KEYS_PATH }],
    ['events', 404, '{}', { path: '/lifecycle/events' }],
  ])('%s', async (_, status, body, headers) => {
    const { post, asked } = createWorld();
    expect((await post(body, headers)).status).toBe(status);
    expect(asked).toEqual([]);
  });

  it('another method', async () => {
    const { app } = createWorld();
    expect((await app.request(WORKER_KEYS_PATH)).status).toBe(404);
  });

  it('more at once than it may, and relays again when one is answered', async () => {
    const answers: (() => void)[] = [];
    const { post } = createWorld(
      () =>
        new Promise((resolve) => {
          answers.push(() => {
            resolve({ status: 200, keys });
          });
        }),
    );
    const body = JSON.stringify(request);
    const waiting = Array.from({ length: maxRelayedKeys }, () => post(body));
    await expect.poll(() => answers.length, { timeout: 300_000 }).toBe(maxRelayedKeys);
    expect((await post(body)).status).toBe(503);
    answers[0]?.();
    expect((await waiting[0])?.status).toBe(200);
    const next = post(body);
    await expect.poll(() => answers.length, { timeout: 300_000 }).toBe(maxRelayedKeys + 1);
    for (const answer of answers) answer();
    expect((await Promise.all([...waiting, next])).map(({ status }) => status)).toEqual(
      Array.from({ length: maxRelayedKeys + 1 }, () => 200),
    );
  });
});

/**
 * What the Pod of a worker asks of `lifecycle`, passed on: its CSR, with the token of the Pod, and nothing else. Builds can
 * reach this port, so it answers one path, in bounded time, with words of its own.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import {
  WORKER_KEYS_PATH,
  workerKeysRequest,
  type KeysRefusal,
  type WorkerKeysAnswer,
  type WorkerKeysRequest,
} from '../api/http/keys.ts';
import { maxRelayedKeys } from '../api/limits/gateway.ts';
import { retryAfterSeconds } from '../api/limits/http.ts';
import { maxWorkerKeysBodyBytes } from '../api/limits/lifecycle.ts';
import { readJson } from '../core/json-text.ts';
import { createSemaphore } from '../core/semaphore.ts';
import { parseBearer } from '../core/tokens/bearer.ts';

export interface RelayPorts {
  /** The keys, or the status with which they are refused. Rejects when it may be tried again. */
  readonly signWorkerKeys: (request: WorkerKeysRequest, token: string) => Promise<WorkerKeysAnswer>;
  readonly log: { readonly warn: (fields: object, message: string) => void };
}

const refusals: Readonly<Record<KeysRefusal, string>> = {
  400: 'expected a CSR',
  401: 'expected a token of a Pod',
  403: 'not the Pod of this worker',
};

/** `POST /lifecycle/keys/worker`: as of `lifecycle`, and 413 too large, 503 where too many wait. */
export function createRelayApp({ signWorkerKeys, log }: RelayPorts): Hono {
  const app = new Hono();
  const tryAcquire = createSemaphore(maxRelayedKeys);

  async function relay(request: WorkerKeysRequest, token: string): Promise<Response> {
    const release = tryAcquire(1);
    if (release === undefined) return tryAgain();
    try {
      const answer = await signWorkerKeys(request, token);
      return answer.status === 200 ? Response.json(answer.keys) : refuse(answer.status);
    } finally {
      release();
    }
  }

  app.post(WORKER_KEYS_PATH, limitBody, async (c) => {
    const token = parseBearer(c.req.header('authorization') ?? null);
    if (token === undefined) return refuse(401);
    try {
      const request = workerKeysRequest.safeParse(readJson(await c.req.text()));
      return request.success ? await relay(request.data, token) : refuse(400);
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'keys of a worker not relayed, it will try again');
      return tryAgain();
    }
  });
  return app;
}

const limitBody = bodyLimit({
  maxSize: maxWorkerKeysBodyBytes,
  onError: (c) => c.text(`body: expected <= ${maxWorkerKeysBodyBytes} bytes`, 413),
});

const refuse = (status: KeysRefusal): Response => new Response(refusals[status], { status });

const tryAgain = (): Response =>
  new Response('try again', { status: 503, headers: { 'retry-after': String(retryAfterSeconds) } });

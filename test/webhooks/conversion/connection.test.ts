/** What becomes of a connection on which a review is turned away: the apiserver uses it for other reviews. */
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serveHttp, type Serving } from '../../../adapters/serve.ts';
import { maxConversionBodyBytes } from '../../../api/limits.ts';
import { createConversionApp } from '../../../webhooks/conversion/app.ts';

const hostname = '127.0.0.1';
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let serving: Serving;

beforeAll(async () => {
  const app = createConversionApp({ log: { error: () => undefined }, startReview: () => () => undefined });
  serving = await serveHttp({ app, port: 0, hostname, drainMs: 0 });
});
afterAll(async () => {
  agent.destroy();
  await serving.close();
});

interface Begun {
  readonly sent: ClientRequest;
  /** Port of the connection, status, and whether the connection stays. */
  readonly answered: Promise<readonly unknown[]>;
}

function begin(length: number, using: Agent, type = 'application/json'): Begun {
  const headers = { 'content-type': type, 'content-length': length };
  const sent = request({ agent: using, hostname, port: serving.port, path: '/convert', method: 'POST', headers });
  const { promise: answered, resolve, reject } = Promise.withResolvers<readonly unknown[]>();
  sent.on('error', reject);
  sent.once('response', (answer: IncomingMessage) => {
    const { localPort } = answer.socket;
    text(answer).then(() => {
      resolve([localPort, answer.statusCode, answer.headers.connection]);
    }, reject);
  });
  sent.flushHeaders();
  return { sent, answered };
}

async function post(body: string): Promise<readonly unknown[]> {
  const { sent, answered } = begin(body.length, agent);
  sent.end(body);
  return await answered;
}

/** Takes all the room there is for conversions, until what is returned is called. */
async function takeRoom(): Promise<() => void> {
  const holding = [0, 1].map(() => begin(maxConversionBodyBytes, new Agent()));
  for (const { answered } of holding) answered.catch(() => undefined);
  await expect.poll(() => post('{}')).toContain(503);
  return () => {
    for (const { sent } of holding) sent.destroy();
  };
}

it('carries the next review after one that came in slowly and was turned away', async () => {
  const leaveRoom = await takeRoom();
  const slow = begin(2, agent);
  slow.sent.write('{');
  await sleep(1000);
  slow.sent.end('}');
  const [port, ...turnedAway] = await slow.answered;
  expect(turnedAway).toEqual([503, 'keep-alive']);
  leaveRoom();
  await expect.poll(() => post('{}')).toEqual([port, 400, 'keep-alive']);
});

it.each([
  ['of another type', 2, 'text/plain', 415],
  ['that is too long', maxConversionBodyBytes + 1, 'application/json', 413],
])('ends with the answer to a body %s, which is not read', async (_, length, type, status) => {
  const { answered } = begin(length, new Agent({ keepAlive: true }), type);
  expect((await answered).slice(1)).toEqual([status, 'close']);
});

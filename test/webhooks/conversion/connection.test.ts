/** What becomes of a connection on which a review is turned away: the apiserver uses it for other reviews. */
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serveHttp, type Serving } from '../../../adapters/serve.ts';
import { maxConversionBodyBytes } from '../../../api/limits/webhooks.ts';
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

async function post(body: string, using = agent): Promise<readonly unknown[]> {
  const { sent, answered } = begin(body.length, using);
  sent.end(body);
  return await answered;
}

/** All but a byte, so that three are more than all the room even where the kernel still holds a part. */
const large = Buffer.alloc(maxConversionBodyBytes - 1, ' ');

async function holdLarge(using: Agent): Promise<Begun> {
  const begun = begin(maxConversionBodyBytes, using);
  await new Promise((resolve) => begun.sent.write(large, resolve));
  return begun;
}

it('answers others while connections announce the largest bodies and send next to nothing', async () => {
  const idle = Array.from({ length: 8 }, () => begin(maxConversionBodyBytes, new Agent()));
  for (const { sent, answered } of idle) {
    answered.catch(() => undefined);
    sent.write('{');
  }
  await sleep(200);
  for (let count = 0; count < 5; count++) expect(await post('{}')).toContain(400);
  for (const { sent } of idle) sent.destroy();
});

it('turns one away that holds most, and its connection carries the next review', async () => {
  const agents = [0, 1, 2].map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
  const held = await Promise.all(agents.map(holdLarge));
  expect(await post('{}')).toContain(400);
  for (const { sent } of held) sent.end(' ');
  const answers = await Promise.all(held.map(({ answered }) => answered));
  const statuses = answers.map(([, status]) => status);
  expect(statuses.toSorted()).toEqual([400, 400, 503]);
  const turnedAway = statuses.indexOf(503);
  const next = await post('{}', agents[turnedAway]);
  expect(next).toEqual([answers[turnedAway]?.[0], 400, 'keep-alive']);
  for (const used of agents) used.destroy();
});

it('carries the next review after one that came in slowly', async () => {
  const slow = begin(2, agent);
  slow.sent.write('{');
  await sleep(1000);
  slow.sent.end('}');
  const [port, ...answered] = await slow.answered;
  expect(answered).toEqual([400, 'keep-alive']);
  expect(await post('{}')).toEqual([port, 400, 'keep-alive']);
});

it('ends a body that does not come in time, and the connection with it', async () => {
  const { sent, answered } = begin(maxConversionBodyBytes, new Agent({ keepAlive: true }));
  sent.write('{');
  expect((await answered).slice(1)).toEqual([408, 'close']);
}, 30_000);

it.each([
  ['of another type', 2, 'text/plain', 415],
  ['that is too long', maxConversionBodyBytes + 1, 'application/json', 413],
])('ends with the answer to a body %s, which is not read', async (_, length, type, status) => {
  const { answered } = begin(length, new Agent({ keepAlive: true }), type);
  expect((await answered).slice(1)).toEqual([status, 'close']);
});

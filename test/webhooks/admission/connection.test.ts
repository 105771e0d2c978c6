/** Connections that send a part of a review and no more, beside those of the apiserver. */
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isSchedule } from '../../../adapters/cron.ts';
import { serveHttp, type Serving } from '../../../adapters/serve.ts';
import { parseToml } from '../../../adapters/toml.ts';
import { maxReviewBodyBytes, maxReviewBytesAtOnce } from '../../../api/limits/webhooks.ts';
import { createAdmissionApp } from '../../../webhooks/admission/app.ts';
import { makeAdmissionRequest } from '../../core/admission/reviews.ts';

const hostname = '127.0.0.1';
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const sockets: Socket[] = [];
let serving: Serving;

beforeAll(async () => {
  const unasked = () => Promise.reject(new Error('nobody is asked'));
  const app = createAdmissionApp({
    openPorts: () => ({
      reviewAccess: unasked,
      getPool: unasked,
      getNamespaceLabels: unasked,
      isAttachCounted: true,
      listReferrers: unasked,
      listNamespaceLabels: unasked,
      listOidcConfigs: unasked,
      clusterIssuer: 'https://cluster.example',
      isSchedule,
      parseToml,
    }),
    log: { info: () => undefined, error: () => undefined },
    startReview: () => () => undefined,
  });
  serving = await serveHttp({ app, port: 0, hostname, drainMs: 0 });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  agent.destroy();
  await serving.close();
});

/** Announces the largest review and sends this much of it; resolves when the kernel has it. */
async function hold(bytes: Buffer): Promise<void> {
  const socket = connect(serving.port, hostname);
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const head = ['POST /mutate HTTP/1.1', 'Host: h', 'Content-Type: application/json'];
  socket.write([...head, `Content-Length: ${maxReviewBodyBytes}`, '', ''].join('\r\n'));
  await new Promise((resolve) => socket.write(bytes, resolve));
}

/** Status of an ordinary review with so much in it. */
async function review(length: number): Promise<number | undefined> {
  const filler = 'x'.repeat(length);
  const body = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: makeAdmissionRequest(),
    filler,
  });
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  const sent = request({ agent, hostname, port: serving.port, path: '/mutate', method: 'POST', headers });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  await text(answer);
  return answer.statusCode;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function readHeldMib(): number {
  collect();
  return process.memoryUsage().arrayBuffers / 1024 / 1024;
}

describe('unfinished reviews', () => {
  it('keep no review out that is as large as they are or smaller', async () => {
    await Promise.all(Array.from({ length: 500 }, () => hold(Buffer.alloc(128 * 1024, ' '))));
    for (const length of [100, 10_000, 20_000, 60_000]) expect(await review(length)).toBe(200);
  });

  it('of one byte keep no review out', async () => {
    await Promise.all(Array.from({ length: 500 }, () => hold(Buffer.from('{'))));
    for (const length of [100, 100_000, 3 * 1024 * 1024]) expect(await review(length)).toBe(200);
  });

  it('hold no more than the room there is, however much they send', async () => {
    const almost = Buffer.alloc(maxReviewBodyBytes - 1, ' ');
    const before = readHeldMib();
    await Promise.all(Array.from({ length: 100 }, () => hold(almost)));
    // The kernel has it all; the server reads on.
    await sleep(2000);
    expect(await review(100)).toBe(200);
    // Beside what it keeps, each connection has a chunk or two under way.
    expect(readHeldMib() - before).toBeLessThan(2 * (maxReviewBytesAtOnce / 1024 / 1024));
  }, 300_000);
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEventSender } from '../../adapters/cloud-events.ts';

const event = { headers: { 'content-type': 'application/json', 'ce-id': '1' }, body: '{"a":1}' };

let folder: string;
let server: Server;
let status = 200;
const received: { headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloud-events-'));
  server = createServer((request, response) => {
    request.setEncoding('utf8');
    let body = '';
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(status, { location: '/elsewhere' }).end('answer');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

const createSender = (port: number, signal = new AbortController().signal) =>
  createEventSender({ sink: new URL(`http://127.0.0.1:${port}/events`), tokenFile: join(folder, 'token'), signal });
const listeningPort = () => (server.address() as AddressInfo).port;
const rotate = (token: string) => writeFile(join(folder, 'token'), `${token}\n`);

test('sends headers and body as they are, with the token of the moment', async () => {
  const send = createSender(listeningPort());
  await rotate('first');
  expect(await send(event)).toBe(200);
  await rotate('second');
  expect(await send(event)).toBe(200);
  expect(received.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second']);
  expect(received[0]).toMatchObject({ headers: event.headers, body: event.body });
});

test.each([302, 404, 503])('gives the status %i as it came', async (given) => {
  status = given;
  expect(await createSender(listeningPort())(event)).toBe(given);
});

test('rejects when no answer comes', async () => {
  await expect(createSender(1)(event)).rejects.toThrow();
  await expect(createSender(listeningPort(), AbortSignal.abort())(event)).rejects.toThrow();
});

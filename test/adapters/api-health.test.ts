import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askApi } from '../../adapters/api-health.ts';
import { makeRoot, makeWebhookLeaf } from '../../adapters/x509/authorities.ts';
import { makeWebhookRootProfile } from '../../core/certificates/profile.ts';

const now = Math.floor(Date.now() / 1000);
const ca = makeRoot(makeWebhookRootProfile, now);
const other = makeRoot(makeWebhookRootProfile, now);

let server: Server;
let url: string;
let status = 200;
beforeAll(async () => {
  const { certificate: cert, key } = makeWebhookLeaf(ca, ['localhost'], now);
  server = createServer({ cert, key }, ({ url: path }, answer) => {
    answer.writeHead(path === '/api/v1/health' ? status : 404).end('OK');
  });
  server.listen(0);
  await once(server, 'listening');
  url = `https://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

describe('the API', () => {
  it('answers', async () => {
    expect(await askApi(url, ca.certificate)).toEqual({ status: 200, message: 'answered with status 200' });
  });

  it('answers that it is not well', async () => {
    status = 503;
    expect(await askApi(url, ca.certificate)).toEqual({ status: 503, message: 'answered with status 503' });
  });

  it('is not believed with a certificate of another CA', async () => {
    expect(await askApi(url, other.certificate)).toMatchObject({
      status: 0,
      message: expect.stringMatching(/certificate/) as string,
    });
  });

  it.each(['http://api.example.com', 'ftp://localhost', 'api'])('is not asked at %s', async (address) => {
    expect(await askApi(address, '')).toEqual({
      status: 0,
      message: 'expected https, or http of this machine: clients send their tokens there',
    });
  });
});

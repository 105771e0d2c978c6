/** The client before a server that answers what a real apiserver answers rarely. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connectKube, KubeError } from '../../../adapters/kube/client.ts';
import { makeRoot, makeWebhookLeaf } from '../../../adapters/x509/authorities.ts';
import { makeWebhookRootProfile } from '../../../core/certificates/profile.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Each call takes the next of these statuses, and the last one from then on; undefined never answers. */
async function connect(...statuses: readonly (number | undefined)[]) {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const root = makeRoot(makeWebhookRootProfile, nowSeconds);
  const { certificate, key } = makeWebhookLeaf(root, ['127.0.0.1'], nowSeconds);
  const asked: string[] = [];
  server = createServer({ cert: certificate, key }, (request, response) => {
    const status = statuses[Math.min(asked.length, statuses.length - 1)];
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    if (status === undefined) return;
    response.writeHead(status, status === 429 ? { 'retry-after': '1' } : {});
    response.end(
      status === 200 ? '{"ok":true}' : '{"reason":"TooManyRequests","message":"storage is (re)initializing"}',
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { kube: connectKube({ url: `https://127.0.0.1:${port}`, ca: root.certificate }), asked };
}

describe('an apiserver that is busy', () => {
  it('is asked again after the time it names', async () => {
    const { kube, asked } = await connect(429, 200);
    const startMs = performance.now();
    expect(await kube.call({ method: 'POST', path: '/things', body: {} })).toEqual({ ok: true });
    expect(performance.now() - startMs).toBeGreaterThan(990);
    expect(asked).toEqual(['POST /things', 'POST /things']);
    kube.close();
  });

  it('is not asked again where no time is left for that', async () => {
    const { kube, asked } = await connect(429);
    const error = await kube.call({ path: '/things', timeoutMs: 1_500 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(KubeError);
    expect(error).toMatchObject({ status: 429, message: 'storage is (re)initializing' });
    expect(asked).toHaveLength(2);
    kube.close();
  });
});

it('gives up on an apiserver that does not answer', async () => {
  const { kube } = await connect(undefined);
  await expect(kube.call({ path: '/things', timeoutMs: 200 })).rejects.toThrow(/no answer within \d+ ms/);
  kube.close();
});

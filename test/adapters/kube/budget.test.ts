import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { limitCalls } from '../../../adapters/kube/budget.ts';
import { createKubeClient, KubeError, type KubeCall } from '../../../adapters/kube/client.ts';
import { makeRoot, makeWebhookLeaf } from '../../../adapters/x509/authorities.ts';
import { kubeCallTimeoutMs } from '../../../api/limits/kubernetes.ts';
import { makeWebhookRootProfile } from '../../../core/certificates/profile.ts';

it('gives each call what is left of the time, and no call more than any may take', async () => {
  const asked: (number | undefined)[] = [];
  const call = async ({ timeoutMs }: KubeCall): Promise<unknown> => {
    asked.push(timeoutMs);
    return await sleep(60, 'answer');
  };
  const kube = limitCalls({ call }, 100);
  await kube.call({ path: '/a' });
  await kube.call({ path: '/b' });
  await expect(kube.call({ path: '/c' })).rejects.toThrow(
    new KubeError(0, 'Unreachable', 'apiserver not asked: 100 ms are over'),
  );
  expect(asked).toHaveLength(2);
  expect(asked[0]).toBeGreaterThan(asked[1] ?? Infinity);
  expect(asked[1]).toBeLessThanOrEqual(40);
  await limitCalls({ call }, 10 * kubeCallTimeoutMs).call({ path: '/d' });
  expect(asked.at(-1)).toBe(kubeCallTimeoutMs);
});

it('ends a call to an apiserver that is silent', async () => {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const root = makeRoot(makeWebhookRootProfile, nowSeconds);
  const { certificate: cert, key } = makeWebhookLeaf(root, ['127.0.0.1'], nowSeconds);
  const silent = createServer({ cert, key }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const accountFolder = await mkdtemp(join(tmpdir(), 'budget-'));
  await writeFile(join(accountFolder, 'ca.crt'), root.certificate);
  await writeFile(join(accountFolder, 'token'), 'token');
  const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const client = await createKubeClient({ url, accountFolder });
  try {
    const answer = limitCalls(client, 200).call({ path: '/version' });
    await expect(answer).rejects.toThrow(/^apiserver unreachable: no answer within \d{1,3} ms$/);
  } finally {
    client.close();
    silent.close();
    await rm(accountFolder, { recursive: true });
  }
});

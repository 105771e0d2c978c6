/** Connections of a pool on a real apiserver: tokens bound to Pods, as a gateway's are. */
import { describe, expect, it } from 'vitest';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { expectApplied, getJson, makeNamespace, makePool, run, stack } from './cluster.ts';

const soon = { timeout: 120_000 };

const makePod = (namespace: string, name: string, pool = 'my-pool'): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { 'buildkit.smrt-devops.net/pool': pool } },
    spec: { containers: [{ name: 'gateway', image: 'none' }] },
  });

async function startGateway(namespace: string, ...pods: readonly string[]): Promise<readonly string[]> {
  const tokens: string[] = [];
  for (const pod of pods) {
    await expectApplied(makePod(namespace, pod));
    tokens.push(await makeToken(namespace, pod));
  }
  return tokens;
}

async function makeToken(namespace: string, pod: string): Promise<string> {
  const { metadata } = await getJson<{ metadata: { uid: string } }>('-n', namespace, `pod/${pod}`);
  const binding = ['--bound-object-kind=Pod', `--bound-object-name=${pod}`, `--bound-object-uid=${metadata.uid}`];
  return (
    await run(['create', 'token', 'default', '-n', namespace, '--audience=buildkit.smrt-devops.net', ...binding])
  ).trim();
}

async function report(token: string | undefined, counters: object): Promise<number> {
  const answer = await fetch(`${stack.apiUrl}/status/reports`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token ?? ''}` },
    body: JSON.stringify({ pool: 'my-pool', startedAt: '2026-01-01T00:00:00Z', ...counters }),
  });
  return answer.status;
}

async function makeWatchedPool(): Promise<string> {
  const namespace = await makeNamespace('connections');
  await expectApplied(makePool(namespace, 'my-pool'));
  return namespace;
}

const readConnections = async (namespace: string) =>
  (await getJson<Pool>('-n', namespace, 'buildkitpool/my-pool')).status?.connections;

describe('the connections of a pool', () => {
  it('are the sum of what the Pods of its gateway report, however often and in whatever order', async () => {
    const namespace = await makeWatchedPool();
    const [first, second] = await startGateway(namespace, 'gateway-1', 'gateway-2');
    const at = { lastConnectionTime: '2026-01-01T00:00:09Z' };
    expect(await report(first, { sequence: 2, active: 1, total: 7, ...at })).toBe(204);
    expect(await report(first, { sequence: 1, active: 5, total: 5 })).toBe(204);
    expect(await report(second, { sequence: 1, active: 2, total: 3 })).toBe(204);
    expect(await report(second, { sequence: 1, active: 2, total: 3 })).toBe(204);
    expect(await readConnections(namespace)).toMatchObject({
      active: 3,
      total: 10,
      lastConnectionTime: '2026-01-01T00:00:09Z',
    });
    expect(await run(['get', '-n', namespace, 'bkp/my-pool', '--no-headers'])).toMatch(/ 3 +\S+$/m);
  });

  it('keep what a Pod counted that is deleted, and forget the Pod', async () => {
    const namespace = await makeWatchedPool();
    const [first, second] = await startGateway(namespace, 'gateway-1', 'gateway-2');
    await report(first, { sequence: 1, active: 4, total: 7 });
    await run(['delete', 'pod', 'gateway-1', '-n', namespace, '--force', '--grace-period=0']);
    expect(await report(second, { sequence: 1, active: 0, total: 1 })).toBe(204);
    expect(await readConnections(namespace)).toMatchObject({
      active: 0,
      total: 8,
      instances: [{ pod: 'gateway-2' }],
      retired: 7,
    });
    // A review is remembered for seconds: the Pod, not its token, decides.
    expect([401, 403]).toContain(await report(first, { sequence: 2, active: 4, total: 9 }));
    expect(await readConnections(namespace)).toMatchObject({ active: 0, total: 8 });
  });

  it('are correct after the last Pod is gone, at the next change of the pool', async () => {
    const namespace = await makeWatchedPool();
    const [token] = await startGateway(namespace, 'gateway-1');
    await report(token, { sequence: 1, active: 4, total: 7 });
    await run(['delete', 'pod', 'gateway-1', '-n', namespace, '--force', '--grace-period=0']);
    await run(['label', '-n', namespace, 'bkp/my-pool', 'touched=yes']);
    await expect.poll(() => readConnections(namespace), soon).toMatchObject({ active: 0, total: 7, instances: [] });
  });

  it('are reported by nobody but a Pod of the gateway', async () => {
    const namespace = await makeWatchedPool();
    await expectApplied(makePod(namespace, 'stranger', 'other-pool'));
    const unbound = await run(['create', 'token', 'default', '-n', namespace, '--audience=buildkit.smrt-devops.net']);
    expect(await report(await makeToken(namespace, 'stranger'), { sequence: 1, active: 1, total: 1 })).toBe(403);
    expect(await report(unbound.trim(), { sequence: 1, active: 1, total: 1 })).toBe(401);
    expect(await readConnections(namespace)).not.toHaveProperty('instances');
  });
});

/** What a gateway watches of the real apiserver, with rights to two objects by their names. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createPause } from '../../adapters/backoff.ts';
import { watchPool } from '../../adapters/gateway/watch.ts';
import { connectKube } from '../../adapters/kube/client.ts';
import type { Routes } from '../../api/routes.ts';
import type { WatchedPool } from '../../core/gateway/client.ts';
import { expectApplied, makeNamespace, makePool, run, stack } from './cluster.ts';
import { applyRoutes, createGatewayAccount } from './gateway-account.ts';

it('follows its pool and its routes as they change, and nothing else of the namespace', async () => {
  const namespace = await makeNamespace('gateway');
  await expectApplied(makePool(namespace, 'my-pool'));
  await expectApplied(makePool(namespace, 'other-pool'));
  const token = await createGatewayAccount(namespace, 'my-pool');
  const ca = await readFile(join(stack.mounts, 'buildkit-bridge/ca.crt'));
  const kube = connectKube({ url: stack.kubeUrl, ca, readToken: () => Promise.resolve(token) });
  const ending = new AbortController();
  const { signal } = ending;
  const observed: {
    pool?: WatchedPool | undefined;
    routes?: Routes | undefined;
    isWatching: boolean;
    names: Set<string>;
  } = {
    isWatching: false,
    names: new Set(),
  };
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };
  const watching = watchPool({
    kube,
    pool: { namespace, name: 'my-pool' },
    setPool: (pool) => {
      observed.pool = pool;
      if (pool !== undefined) observed.names.add(pool.metadata.name);
    },
    setRoutes: (routes) => (observed.routes = routes),
    setWatching: (isWatching) => (observed.isWatching = isWatching),
    pause: createPause({ signal, random: Math.random }),
    log,
    signal,
  });
  try {
    await expect.poll(() => observed.isWatching).toBe(true);
    expect(observed.pool?.metadata).toMatchObject({ name: 'my-pool', namespace });
    expect(observed.routes).toBeUndefined();
    const revokedBefore = '2026-05-01T00:00:00Z';
    await expectApplied(makePool(namespace, 'my-pool', { access: { revokedBefore } }));
    await expect.poll(() => observed.pool?.spec.access?.revokedBefore).toBe(revokedBefore);
    await applyRoutes(namespace, 'my-pool', JSON.stringify({ poolUID: observed.pool?.metadata.uid, leases: [] }));
    await expect.poll(() => observed.routes?.poolUID).toBe(observed.pool?.metadata.uid);
    await applyRoutes(namespace, 'my-pool', 'no JSON');
    await expect.poll(() => observed.routes).toBeUndefined();
    await run(['delete', '-n', namespace, 'buildkitpool/my-pool', '--wait=false']);
    await expect
      .poll(() => observed.pool === undefined || observed.pool.metadata.deletionTimestamp !== undefined)
      .toBe(true);
    expect([...observed.names]).toEqual(['my-pool']);
  } finally {
    ending.abort();
    kube.close();
    await watching;
  }
});

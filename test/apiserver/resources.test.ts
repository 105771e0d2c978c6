/** Objects of many kinds on the real apiserver, by the API classes of @kubernetes/client-node. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import { createClient, type KubeClient } from '../../adapters/kube/client.ts';
import { readKubeconfig } from '../../adapters/kube/kubeconfig.ts';
import {
  configMaps,
  deployments,
  leases,
  networkPolicies,
  podDisruptionBudgets,
  pools,
  services,
  workers,
} from '../../adapters/kube/resources.ts';
import { getJson, makeNamespace, stack } from './cluster.ts';

let kube: KubeClient;
let namespace = '';
beforeAll(async () => {
  namespace = await makeNamespace('resources');
  const access = await readKubeconfig({ file: stack.kubeconfig });
  if (!access.ok) throw new Error(access.error);
  const client = createClient(access.value.url, access.value.login, { fieldManager: 'buildkit-test' });
  kube = { ...client, call: (call) => client.call({ timeoutMs: 60_000, ...call }) };
});
afterAll(() => {
  kube.close();
});

interface Managed {
  readonly metadata: { readonly managedFields: readonly { readonly manager: string; readonly operation: string }[] };
}
const managersOf = async (...object: readonly string[]) =>
  (await getJson<Managed>('-n', namespace, '--show-managed-fields', ...object)).metadata.managedFields.map(
    ({ manager, operation }) => `${manager} ${operation}`,
  );

describe('an object', () => {
  const key = () => ({ namespace, name: 'settings' });

  it('is created, read, patched, replaced and deleted, and says who did it', async () => {
    const { create, get, patch, replace, delete: remove } = configMaps(kube);
    expect(await get(key())).toBeUndefined();
    await create({ metadata: key(), data: { a: '1' } });
    await patch(key(), { data: { b: '2' } });
    await patch(key(), [{ op: 'add', path: '/data/c', value: '3' }]);
    const found = await get(key());
    expect(found).toMatchObject({ kind: 'ConfigMap', data: { a: '1', b: '2', c: '3' } });
    expect(found?.metadata?.creationTimestamp).toMatch(/^20.*Z$/);
    await replace({
      metadata: { ...key(), resourceVersion: found?.metadata?.resourceVersion ?? '' },
      data: { z: '1' },
    });
    expect(await managersOf('configmap/settings')).toEqual(['buildkit-test Update']);
    const stale = { preconditions: { resourceVersion: found?.metadata?.resourceVersion ?? '' } };
    await expect(remove(key(), stale)).rejects.toMatchObject({ status: 409 });
    expect(await remove(key(), { preconditions: { uid: found?.metadata?.uid ?? '' } })).toBe(true);
    expect(await remove(key())).toBe(false);
  });

  it('is not looked for by a name that would be a path', async () => {
    for (const name of ['', '.', '..']) {
      await expect(configMaps(kube).get({ namespace, name })).rejects.toThrow('path: expected a name');
    }
    expect(await configMaps(kube).get({ namespace, name: 'a/../b' })).toBeUndefined();
  });
});

it('applies objects of each API group that we write, under our name', async () => {
  const labels = { app: 'gateway' };
  const selector = { matchLabels: labels };
  const metadata = { namespace, name: 'gateway', labels };
  const container = { name: 'gateway', image: 'example.org/gateway', ports: [{ containerPort: 1235 }] };
  await deployments(kube).apply({
    metadata,
    spec: { replicas: 1, selector, template: { metadata: { labels }, spec: { containers: [container] } } },
  });
  await services(kube).apply({ metadata, spec: { selector: labels, ports: [{ port: 1235 }] } });
  await networkPolicies(kube).apply({
    metadata,
    spec: { podSelector: selector, ingress: [{ from: [{ podSelector: {} }] }] },
  });
  await podDisruptionBudgets(kube).apply({ metadata, spec: { minAvailable: 1, selector } });
  await leases(kube).apply({ metadata, spec: { holderIdentity: 'a', renewTime: '2026-01-01T00:00:00.000000Z' } });
  for (const kind of ['deployment', 'service', 'networkpolicy', 'poddisruptionbudget', 'lease']) {
    expect(await managersOf(`${kind}/gateway`)).toContain('buildkit-test Apply');
  }
  const policy = await networkPolicies(kube).get(metadata);
  expect(policy?.spec?.ingress).toEqual([{ from: [{ podSelector: {} }] }]);
});

it('writes our own kinds and their status', async () => {
  const metadata = { namespace, name: 'pool' };
  await pools(kube).apply({ metadata, spec: { workers: { scaling: { max: 3 } } } });
  const worker = { namespace, name: 'worker' };
  await workers(kube).create({ metadata: worker, spec: { poolRef: { name: 'pool' } } });
  await workers(kube).patch(worker, { status: { phase: 'Idle' } }, { subresource: 'status' });
  expect((await workers(kube).get(worker))?.status?.phase).toBe('Idle');
  expect(await managersOf('buildkitpool/pool')).toContain('buildkit-test Apply');
  expect(await managersOf('buildkitworker/worker')).toContain('buildkit-test Update');
});

it('lists what a selector selects, of a namespace and of all', async () => {
  const { apply, list } = configMaps(kube);
  const names = Array.from({ length: 120 }, (_, index) => `page-${String(index).padStart(3, '0')}`);
  await Promise.all(names.map((name) => apply({ metadata: { namespace, name, labels: { paged: namespace } } })));
  const query = { labelSelector: `paged=${namespace}` };
  for (const selection of [query, { ...query, namespace }]) {
    const { items, resourceVersion } = await list(selection, ({ metadata }) => metadata?.name);
    expect(items).toEqual(names);
    expect(Number(resourceVersion)).toBeGreaterThan(0);
  }
});

it('lists large objects in pages of few bytes', async () => {
  const { apply } = configMaps(kube);
  const data = { large: 'x'.repeat(900_000) };
  const names = Array.from({ length: 12 }, (_, index) => `large-${String(index).padStart(2, '0')}`);
  for (const name of names) await apply({ metadata: { namespace, name, labels: { large: namespace } }, data });
  const sizes: number[] = [];
  const counting = {
    call: async (call: Parameters<KubeClient['call']>[0]) => {
      const answer = await kube.call(call);
      sizes.push(JSON.stringify(answer).length);
      return answer;
    },
  };
  const { items } = await configMaps(counting).list(
    { labelSelector: `large=${namespace}` },
    ({ metadata }) => metadata?.name,
  );
  expect(items).toEqual(names);
  expect(Math.max(...sizes)).toBeLessThan(2 * 1024 * 1024);
});

describe('every part writes under its own name', () => {
  const managers = async (...args: readonly string[]) => {
    const { metadata } = await getJson<Managed>('--show-managed-fields', ...args);
    return new Set(metadata.managedFields.map(({ manager }) => manager));
  };

  it('status and lifecycle on a pool', async () => {
    await pools(kube).apply({ metadata: { namespace, name: 'managed' }, spec: {} });
    await expect
      .poll(() => managers('-n', namespace, 'buildkitpool/managed'), { timeout: 60_000 })
      .toEqual(new Set(['buildkit-test', 'buildkit-status', 'buildkit-lifecycle']));
  });

  it.each(['secret/buildkit-client-ca', 'configmap/buildkit-trust-bundle'])('authority on %s', async (object) => {
    expect(await managers('-n', SYSTEM_NAMESPACE, object)).toContain('buildkit-authority');
  });
});

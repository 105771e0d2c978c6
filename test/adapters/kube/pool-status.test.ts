import { describe, expect, test } from 'vitest';
import { KubeError, type KubeCall, type KubeClient } from '../../../adapters/kube/client.ts';
import { createPoolStatusStore } from '../../../adapters/kube/pool-status.ts';
import type { Reads } from '../../../core/status/recompute-cache.ts';

const key = { namespace: 'own', name: 'my-pool' };

interface World {
  /** Resource versions of the lists, or what they fail with, in the order of asking. */
  readonly lists?: readonly (string | Error)[];
  readonly configRefs?: readonly object[];
}

/** An apiserver with that pool and nothing else. */
async function gather(reads: Partial<Reads>, atLeast: number, { lists = ['20'], configRefs = [] }: World = {}) {
  const left = [...lists];
  const asked: string[] = [];
  const describe = ({ path, query = {} }: KubeCall) =>
    [path.split('/v1beta1/').at(-1), query['fieldSelector'], query['resourceVersion']].filter(Boolean).join(' ');
  const kube: KubeClient = {
    call: (call) => {
      const { path } = call;
      asked.push(describe(call));
      if (path.endsWith('/buildkitpools/my-pool')) {
        const metadata = { ...key, resourceVersion: '10' };
        return Promise.resolve({ metadata, spec: { access: { oidc: { configRefs } } } });
      }
      if (!path.endsWith('/buildkitworkers')) return Promise.reject(new KubeError(404, 'NotFound', path));
      const answer = left.shift() ?? '20';
      if (answer instanceof Error) return Promise.reject(answer);
      return Promise.resolve({ metadata: { resourceVersion: answer }, items: [] });
    },
    lines: () => {
      throw new Error('nothing is watched');
    },
    close: () => undefined,
  };
  const store = createPoolStatusStore(kube);
  const planReads = () => ({ namespaces: undefined, notOlderThan: '10', withGateway: false, ...reads });
  const observed = await store.gather(key, { planReads, atLeast, withPods: false });
  return { asked: asked.slice(1), extent: observed?.extent };
}

const inTenantA = { namespaces: new Set(['tenant-a']), notOlderThan: '10' };
const list = 'namespaces/tenant-a/buildkitworkers spec.poolRef.name=my-pool,spec.poolRef.namespace=own';

describe('looks for workers', () => {
  test('in the namespaces where they are, no later than need be', async () => {
    const { asked, extent } = await gather(inTenantA, 20);
    expect(asked).toEqual([`${list} 10`]);
    expect(extent).toEqual({ namespaces: new Set(['tenant-a']), version: 20 });
  });

  test("in the pool's own namespace with those that name none", async () => {
    const { asked } = await gather({ namespaces: new Set(['own']), notOlderThan: '10' }, 0);
    expect(asked).toEqual(['namespaces/own/buildkitworkers spec.poolRef.name=my-pool 10']);
  });

  test('nowhere when the status names no namespace', async () => {
    const { asked, extent } = await gather({ namespaces: new Set(), notOlderThan: '10' }, 0);
    expect([asked, extent?.version]).toEqual([[], undefined]);
  });

  test('everywhere by two lists, of which the earlier counts', async () => {
    const everywhere = { namespaces: undefined, notOlderThan: '10' };
    const { asked, extent } = await gather(everywhere, 0, { lists: ['21', '20'] });
    expect(asked).toEqual([
      'buildkitworkers spec.poolRef.name=my-pool,spec.poolRef.namespace=own 10',
      'namespaces/own/buildkitworkers spec.poolRef.name=my-pool,spec.poolRef.namespace= 10',
    ]);
    expect(extent).toEqual({ namespaces: 'all', version: 20 });
  });

  test.each<[string, number, World['lists'], readonly string[]]>([
    ['the first list is too early', 21, ['20', '21'], [`${list} 10`, list]],
    ['what is told of does not exist, which costs no more than that', 999, ['20', '20'], [`${list} 10`, list]],
    ['nobody knows how late it is', Infinity, ['20'], [list]],
    ['nothing is that late any more', 0, [new KubeError(504, 'Timeout', ''), '5'], [`${list} 10`, list]],
  ])('as they are now where %s', async (_, atLeast, lists, expected) => {
    expect((await gather(inTenantA, atLeast, { lists: lists ?? [] })).asked).toEqual(expected);
  });

  test('and rejects when the apiserver does not answer', async () => {
    const lists = [new KubeError(0, 'Unreachable', 'apiserver unreachable')];
    await expect(gather(inTenantA, 0, { lists })).rejects.toThrow('apiserver unreachable');
  });
});

test("reads the gateway's objects where the status does not stand for them", async () => {
  const { asked } = await gather({ namespaces: new Set(), withGateway: true }, 0);
  expect(asked).toEqual([
    '/apis/apps/v1/namespaces/own/deployments/my-pool-gateway',
    '/api/v1/namespaces/own/services/my-pool',
  ]);
});

test('reads the OIDC configs that the pool lists, and no others', async () => {
  const configRefs = [{ name: 'ci' }, { name: 'ci', namespace: 'tenant-b' }];
  const { asked } = await gather(inTenantA, 0, { configRefs });
  expect(asked.toSorted()).toEqual([
    'namespaces/own/buildkitoidcconfigs/ci',
    `${list} 10`,
    'namespaces/tenant-b/buildkitoidcconfigs/ci',
  ]);
});

import { describe, expect, it } from 'vitest';
import { KubeError, type KubeCall } from '../../../adapters/kube/client.ts';
import { createNamespaceLister, createNamespaceReader } from '../../../adapters/kube/namespaces.ts';
import { createOidcConfigLister } from '../../../adapters/kube/oidc-configs.ts';
import { createPoolReader } from '../../../adapters/kube/pools.ts';
import { createReferrerReader } from '../../../adapters/kube/referrers.ts';

/** An apiserver that gives one answer, and what it was asked. */
function answering(answer: unknown) {
  const calls: KubeCall[] = [];
  const call = (asked: KubeCall) => {
    calls.push(asked);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { kube: { call }, calls };
}

describe('a pool', () => {
  it('is read by its name', async () => {
    const { kube, calls } = answering({ spec: {} });
    expect(await createPoolReader(kube)({ namespace: 'a', name: 'p' })).toEqual({ spec: {} });
    expect(calls).toEqual([{ path: '/apis/buildkit.smrt-devops.net/v1beta1/namespaces/a/buildkitpools/p' }]);
  });

  it.each(['\ud800', '../../..', '..', 'pods?watch=1#', 'a/b', '', 'a'.repeat(254)])(
    'causes no call for an invalid name: %j',
    async (text) => {
      const { kube, calls } = answering({ spec: {} });
      expect(await createPoolReader(kube)({ namespace: text, name: 'p' })).toBeUndefined();
      expect(await createPoolReader(kube)({ namespace: 'a', name: text })).toBeUndefined();
      expect(calls).toEqual([]);
    },
  );
});

describe('the labels of a namespace', () => {
  it('are read by its name', async () => {
    const { kube, calls } = answering({ metadata: { name: 'a/b', labels: { team: 'a' } } });
    expect(await createNamespaceReader(kube)('a/b')).toEqual({ team: 'a' });
    expect(calls).toEqual([{ path: '/api/v1/namespaces/a%2Fb' }]);
  });

  it('may be empty', async () => {
    expect(await createNamespaceReader(answering({ metadata: { name: 'a' } }).kube)('a')).toEqual({});
  });

  it('are undefined exactly when the namespace does not exist', async () => {
    const missing = answering(new KubeError(404, 'NotFound', 'not found'));
    expect(await createNamespaceReader(missing.kube)('a')).toBeUndefined();
    const away = answering(new KubeError(0, 'Unreachable', 'apiserver unreachable'));
    await expect(createNamespaceReader(away.kube)('a')).rejects.toThrow('apiserver unreachable');
  });

  it('come for one page of namespaces', async () => {
    const items = [{ metadata: { name: 'a', labels: { team: 'a' } } }, { metadata: { name: 'b' } }];
    const { kube, calls } = answering({ metadata: { continue: 'more' }, items });
    expect(await createNamespaceLister(kube)()).toEqual(
      new Map([
        ['a', { team: 'a' }],
        ['b', {}],
      ]),
    );
    expect(calls).toMatchObject([{ path: '/api/v1/namespaces', query: { limit: '100' } }]);
  });
});

describe('the workers that refer to a pool', () => {
  const worker = (namespace: string, poolRef: object) => ({ metadata: { namespace }, spec: { poolRef } });

  it('are those whose reference resolves to this pool', async () => {
    const items = [
      worker('a', { name: 'p' }),
      worker('b', { name: 'p' }),
      worker('b', { name: 'p', namespace: 'a' }),
      worker('a', { name: 'p', namespace: 'b' }),
    ];
    const { kube, calls } = answering({ metadata: { continue: '' }, items });
    expect(await createReferrerReader(kube)({ namespace: 'a', name: 'p' })).toEqual({
      namespaces: ['a', 'b'],
      isComplete: true,
    });
    expect(calls).toMatchObject([
      {
        path: '/apis/buildkit.smrt-devops.net/v1beta1/buildkitworkers',
        query: { fieldSelector: 'spec.poolRef.name=p', limit: '100' },
      },
    ]);
  });

  it('are reported as incomplete when there are more pages', async () => {
    const { kube } = answering({ metadata: { continue: 'more' }, items: null });
    expect(await createReferrerReader(kube)({ namespace: 'a', name: 'p' })).toEqual({
      namespaces: [],
      isComplete: false,
    });
  });
});

it('lists OIDC configs by issuer and audience', async () => {
  const spec = { issuer: 'https://issuer.example', audience: 'builds', enabled: true };
  const { kube, calls } = answering({ metadata: {}, items: [{ metadata: { name: 'ci' }, spec }] });
  expect(await createOidcConfigLister(kube)('a')).toEqual([
    { name: 'ci', issuer: 'https://issuer.example', audience: 'builds' },
  ]);
  expect(calls).toMatchObject([
    { path: '/apis/buildkit.smrt-devops.net/v1beta1/namespaces/a/buildkitoidcconfigs', query: { limit: '100' } },
  ]);
});

import { describe, expect, it } from 'vitest';
import type { OidcConfig } from '../../../api/v1beta1/oidc-config.ts';
import { isTrusted } from '../../../core/oidc/trust.ts';
import { judgeTerms, listConfigIssuers, listInlineIssuers } from '../../../core/oidc/trusted-issuer.ts';
import type { Voucher } from '../../../core/principal.ts';

const policy = { clusterIssuer: 'https://cluster.example', isPrivateAllowed: false };
const issuer = 'https://issuer.example';
const terms = { issuer, audience: 'builds' };

const config = (name: string, spec: object = {}, metadata: object = {}): OidcConfig => ({
  metadata: {
    namespace: 'tenant-a',
    name,
    uid: `uid-of-${name}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...metadata,
  },
  spec: { ...terms, ...spec },
});
const names = (...configs: OidcConfig[]) =>
  listConfigIssuers(configs, policy).map(({ by }) => (by.kind === 'config' ? by.name : ''));

describe('of configs', () => {
  it('those count that are enabled and not being deleted', () => {
    expect(names(config('on'), config('off', { audience: 'b', enabled: false }))).toEqual(['on']);
    expect(names(config('going', {}, { deletionTimestamp: '2026-01-02T00:00:00Z' }))).toEqual([]);
  });

  it('of one issuer and audience the oldest counts, by name where the second is the same', () => {
    const older = { creationTimestamp: '2025-12-31T23:59:59Z' };
    expect(names(config('a'), config('z', {}, older))).toEqual(['z']);
    expect(names(config('b'), config('a'), config('c'))).toEqual(['a']);
    expect(names(config('a'), config('b', { audience: 'other' }))).toEqual(['a', 'b']);
    expect(names(config('a'), config('b', {}, { namespace: 'tenant-b' }))).toEqual(['a', 'b']);
  });

  it('no later one counts because the oldest is switched off', () => {
    expect(names(config('a', { enabled: false }), config('b'))).toEqual([]);
  });

  it('each has an id of its own, and another one after a change', () => {
    const idOf = (one: OidcConfig) => listConfigIssuers([one], policy)[0]?.id;
    expect(idOf(config('a'))).toBe('uid-of-a/1');
    expect(idOf(config('a', {}, { generation: 2 }))).toBe('uid-of-a/2');
  });
});

describe('terms', () => {
  const bound = { boundClaims: { repository_id: ['1'] } };
  it.each([
    ['cluster_issuer', { issuer: policy.clusterIssuer }],
    ['unbound_issuer', { issuer: 'https://token.actions.githubusercontent.com' }],
    ['unbound_issuer', { issuer: 'https://gitlab.com', boundClaims: {} }],
    ['unbound_issuer', { issuer: 'https://accounts.google.com', audience: '', ...bound }],
    ['insecure_issuer', { issuer: 'http://issuer.example' }],
    ['insecure_issuer', { issuer: 'https://10.0.0.1' }],
    ['insecure_issuer', { issuer: 'https://keycloak.sso.svc' }],
    [undefined, { issuer: 'https://gitlab.com', ...bound }],
    [undefined, {}],
  ])('are judged %s', (fault, change) => {
    expect(judgeTerms({ ...terms, ...change }, 'tenant-a', policy)).toBe(fault);
  });

  it('may be private in the namespace of the controller alone, and only when the installation says so', () => {
    const open = { ...policy, isPrivateAllowed: true };
    const hidden = { ...terms, issuer: 'http://10.0.0.1' };
    expect(judgeTerms(hidden, 'buildkit-system', open)).toBeUndefined();
    expect(judgeTerms(hidden, 'buildkit-system', policy)).toBe('insecure_issuer');
    expect(judgeTerms(hidden, 'tenant-a', open)).toBe('insecure_issuer');
  });
});

describe('a pool', () => {
  const key = { namespace: 'tenant-a', name: 'pool' };
  const of = (namespace: string, name = 'ci'): Voucher => ({ kind: 'config', namespace, name, uid: 'u' });
  const pool = (oidc?: object) => ({
    metadata: { uid: 'pool-uid' },
    spec: oidc === undefined ? {} : { access: { oidc } },
  });

  it('that lists no config trusts those of its namespace and of the controller', () => {
    for (const silent of [undefined, pool(), pool({ configRefs: [] })]) {
      expect(isTrusted(key, silent, of('tenant-a'))).toBe(true);
      expect(isTrusted(key, silent, of('buildkit-system'))).toBe(true);
      expect(isTrusted(key, silent, of('tenant-b'))).toBe(false);
    }
  });

  it('that lists configs trusts these alone', () => {
    const picky = pool({ configRefs: [{ name: 'ci' }, { name: 'shared', namespace: 'tenant-b' }] });
    expect(isTrusted(key, picky, of('tenant-a'))).toBe(true);
    expect(isTrusted(key, picky, of('tenant-b', 'shared'))).toBe(true);
    expect(isTrusted(key, picky, of('tenant-b', 'ci'))).toBe(false);
    expect(isTrusted(key, picky, of('tenant-a', 'shared'))).toBe(false);
    expect(isTrusted(key, picky, of('buildkit-system'))).toBe(false);
  });

  it('trusts the issuers that it names itself, and no other pool does, not even one made anew', () => {
    const by: Voucher = { kind: 'inline', pool: key, uid: 'pool-uid' };
    expect(isTrusted(key, pool(), by)).toBe(true);
    expect(isTrusted({ ...key, name: 'other' }, pool(), by)).toBe(false);
    expect(isTrusted({ ...key, namespace: 'tenant-b' }, pool(), by)).toBe(false);
    expect(isTrusted(key, { ...pool(), metadata: { uid: 'another' } }, by)).toBe(false);
    expect(isTrusted(key, undefined, by)).toBe(false);
  });

  it('names issuers under the rules of its namespace', () => {
    const { metadata } = config('pool');
    const inline = [terms, { ...terms, issuer: 'https://10.0.0.1' }, { ...terms, audience: 'b' }];
    const listed = listInlineIssuers({ metadata, spec: { access: { oidc: { inline } } } }, policy);
    expect(listed.map(({ id, terms: { audience } }) => [id, audience])).toEqual([
      ['uid-of-pool/1/0', 'builds'],
      ['uid-of-pool/1/2', 'b'],
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { trustDomainOf, type Voucher } from '../../core/principal.ts';

const domainOf = (username: string, by?: Voucher) =>
  trustDomainOf({ user: { username }, ...(by === undefined ? {} : { vouched: { by, value: 'alice' } }) });

describe('the trust domain', () => {
  it('of a ServiceAccount is its namespace, whatever its name', () => {
    expect(domainOf('system:serviceaccount:tenant-a:default')).toBe('ns/tenant-a');
    expect(domainOf('system:serviceaccount:tenant-a:ci')).toBe('ns/tenant-a');
    expect(domainOf('system:serviceaccount:tenant-b:default')).toBe('ns/tenant-b');
  });

  it('of whom a config vouches for is the config and the principal', () => {
    const by = { kind: 'config', namespace: 'tenant-a', name: 'ci', uid: 'u1' } as const;
    expect(domainOf('oidc:tenant-a/ci:alice', by)).toBe('oidc/u1/oidc:tenant-a/ci:alice');
    expect(domainOf('oidc:tenant-a/ci:alice', { ...by, uid: 'u2' })).toBe('oidc/u2/oidc:tenant-a/ci:alice');
  });

  it('of whom an issuer of a pool vouches for is the pool and the principal', () => {
    const by = { kind: 'inline', pool: { namespace: 'tenant-a', name: 'p' }, uid: 'p1' } as const;
    expect(domainOf('oidc:tenant-a/p/inline:alice', by)).toBe('oidc/p1/oidc:tenant-a/p/inline:alice');
  });

  it('of another user of the cluster is the user', () => {
    expect(domainOf('alice')).toBe('user/alice');
    expect(domainOf('ns/tenant-a')).toBe('user/ns/tenant-a');
  });

  it('of whom an issuer calls like a ServiceAccount is no namespace', () => {
    const by = { kind: 'config', namespace: 'tenant-b', name: 'ci', uid: 'u1' } as const;
    expect(domainOf('system:serviceaccount:tenant-a:default', by)).not.toBe('ns/tenant-a');
  });
});

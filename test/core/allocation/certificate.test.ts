import { describe, expect, it } from 'vitest';
import { judgeCertificate, type ShownCertificate } from '../../../core/allocation/certificate.ts';
import { findPrincipal, type PrincipalPorts } from '../../../core/allocation/principal.ts';
import { formatClientUris } from '../../../core/certificates/client-uris.ts';
import type { Pool } from '../../../api/v1beta1/pool.ts';
import { makePool, now } from './objects.ts';

const clusterFqdn = 'dev.buildkit.internal';
const seconds = now.getTime() / 1000;
const principal = 'system:serviceaccount:tenant-a:default';
const pool = { namespace: 'pools', name: 'p', uid: 'pool-uid' };

const shown: ShownCertificate = {
  uris: formatClientUris(clusterFqdn, { pools: [pool], principal, domainHash: 'd'.repeat(64) }),
  notBefore: seconds - 120,
  notAfter: seconds + 3600,
  fingerprint: 'f'.repeat(64),
};
const judge = (change: Partial<ShownCertificate>, spec: Pool['spec'] = {}) =>
  judgeCertificate({ ...shown, ...change }, { pool: makePool(spec), clusterFqdn, now });
const withPool = (change: Partial<typeof pool>) => ({
  uris: formatClientUris(clusterFqdn, { pools: [{ ...pool, ...change }], principal, domainHash: 'd'.repeat(64) }),
});

describe('a certificate', () => {
  it('names its principal and the time of issue, without the backdate', () => {
    expect(judge({})).toEqual({
      ok: true,
      value: { principal, domainHash: 'd'.repeat(64), issuedAtMs: (seconds - 60) * 1000, fingerprint: 'f'.repeat(64) },
    });
  });

  it.each<[string, Partial<ShownCertificate>, string]>([
    ['that has expired', { notAfter: seconds }, 'expired at 2026-01-02T12:00:00Z'],
    ['of tomorrow', { notBefore: seconds + 1 }, 'not valid before'],
    ['without a principal', { uris: shown.uris.slice(0, 1) }, 'got no_principal'],
    ['of another pool', withPool({ name: 'q' }), 'does not name BuildKitPool "pools/p"'],
    ['of a pool of that name elsewhere', withPool({ namespace: 'other' }), 'does not name BuildKitPool'],
    ['of the pool that had the name before', withPool({ uid: 'former' }), 'was made anew'],
    ['of another cluster', { uris: shown.uris.map((uri) => uri.replace('dev.', 'prod.')) }, 'got no_principal'],
  ])('%s is refused', (_, change, detail) => {
    const judged = judge(change);
    expect(judged).toMatchObject({ ok: false, error: { code: 'certificate_refused' } });
    expect(!judged.ok && judged.error.detail).toContain(detail);
  });

  it('that was revoked, or whose principal was, is forbidden', () => {
    const forbidden = { ok: false, error: { code: 'pool_forbidden' } };
    expect(judge({}, { access: { revokedBefore: '2026-01-02T12:00:00Z' } })).toMatchObject(forbidden);
    const revokedPrincipals = [{ principal, before: '2026-01-02T12:00:00Z' }];
    expect(judge({}, { access: { revokedPrincipals } })).toMatchObject(forbidden);
  });
});

describe('the principal of a certificate', () => {
  const config = {
    metadata: { namespace: 'ns', name: 'config', uid: 'config-uid', resourceVersion: '1' },
    spec: { issuer: 'https://issuer.example', audience: 'builds' },
  };
  /** No hash, but one that tells texts apart. */
  const sha256 = (text: string): string => text.padEnd(64, '.');
  const find = (name: string, domain: string, ports: Partial<PrincipalPorts> = {}, spec: Pool['spec'] = {}) =>
    findPrincipal({ principal: name, domain: domain.padEnd(32, '.').slice(0, 32) }, makePool(spec), {
      getOidcConfig: () => Promise.resolve(config),
      sha256,
      ...ports,
    });

  it('of a ServiceAccount has the groups that the apiserver gives it', async () => {
    expect((await find(principal, 'ns/tenant-a'))?.user).toEqual({
      username: principal,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:tenant-a', 'system:authenticated'],
    });
  });

  it('is nobody where name and trust domain disagree', async () => {
    expect(await find(principal, 'ns/tenant-b')).toBeUndefined();
    expect(await find('oidc:ns/config:jo', 'oidc/former-uid/oidc:ns/config:jo')).toBeUndefined();
  });

  it('of an OIDC user is vouched for by the config of that name, while it is there and counts', async () => {
    const [name, domain] = ['oidc:ns/config:jo:e', 'oidc/config-uid/oidc:ns/config:jo:e'];
    expect(await find(name, domain)).toEqual({
      user: { username: name },
      vouched: { by: { kind: 'config', namespace: 'ns', name: 'config', uid: 'config-uid' }, value: 'jo:e' },
    });
    expect(await find(name, domain, { getOidcConfig: () => Promise.resolve(undefined) })).toBeUndefined();
    const disabled = { ...config, spec: { ...config.spec, enabled: false } };
    expect(await find(name, domain, { getOidcConfig: () => Promise.resolve(disabled) })).toBeUndefined();
  });

  it('of an inline issuer is vouched for by its own pool, while that names one', async () => {
    const [name, domain] = ['oidc:pools/p/inline:jo', 'oidc/pool-uid/oidc:pools/p/inline:jo'];
    const inline = [{ issuer: 'https://issuer.example', audience: 'builds' }];
    expect((await find(name, domain, {}, { access: { oidc: { inline } } }))?.vouched?.by.kind).toBe('inline');
    expect(await find(name, domain)).toBeUndefined();
    expect(await find('oidc:pools/q/inline:jo', domain, {}, { access: { oidc: { inline } } })).toBeUndefined();
  });
});

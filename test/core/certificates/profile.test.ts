import { describe, expect, it } from 'vitest';
import {
  makeClientProfile,
  makeWebhookLeafProfile,
  parseClusterDomain,
  parseClusterFqdn,
} from '../../../core/certificates/profile.ts';

const facts = {
  clusterFqdn: 'dev.buildkit.internal',
  pools: [
    { namespace: 'tenant-a', name: 'tenant-pool', uid: 'u1' },
    { namespace: 'buildkit-system', name: 'shared-pool', uid: 'u2' },
  ],
  principal: 'oidc:ns/config:a,b/c',
  principalHash: 'abc',
  domainHash: 'def',
  serial: Uint8Array.of(1, 2),
  nowSeconds: 10_000,
  ttlSeconds: 3_600,
  issuerNotAfter: 1_000_000,
};

describe('a client profile', () => {
  it('says the pools, whose it is, the time and one use', () => {
    expect(makeClientProfile(facts)).toEqual({
      ok: true,
      value: {
        serial: Uint8Array.of(1, 2),
        subject: { organization: 'buildkit-client', commonName: 'abc' },
        notBefore: 9_940,
        notAfter: 13_600,
        keyUsage: ['digitalSignature'],
        extendedKeyUsage: ['clientAuth'],
        names: [
          { kind: 'uri', value: 'buildkit://dev.buildkit.internal/ns/tenant-a/pool/tenant-pool/uid/u1' },
          { kind: 'uri', value: 'buildkit://dev.buildkit.internal/ns/buildkit-system/pool/shared-pool/uid/u2' },
          {
            kind: 'uri',
            value: 'buildkit://dev.buildkit.internal/principal/oidc%3Ans%2Fconfig%3Aa%2Cb%2Fc/domain/def',
          },
        ],
      },
    });
  });

  it('ends with its issuer at the latest', () => {
    const profile = makeClientProfile({ ...facts, issuerNotAfter: 10_001 });
    expect(profile.ok && profile.value.notAfter).toBe(10_001);
  });

  it('is not made for an issuer that has ended', () => {
    expect(makeClientProfile({ ...facts, issuerNotAfter: 10_000 })).toEqual({ ok: false, error: 'issuer_expired' });
  });
});

it('tells addresses from names', () => {
  const { names } = makeWebhookLeafProfile({ serial: Uint8Array.of(1), nowSeconds: 0 }, [
    '127.0.0.1',
    'localhost',
    '1.2.3',
    '256.1.1.1',
  ]);
  expect(names.map(({ kind }) => kind)).toEqual(['ipv4', 'dns', 'dns', 'dns']);
});

describe('a cluster domain', () => {
  const label = 'a'.repeat(63);
  it.each(['cluster.local', 'local', 'k8s.example.com', `${label}.${label}.${'a'.repeat(62)}`])('may be %s', (text) => {
    expect(parseClusterDomain(text)).toEqual({ ok: true, value: text });
  });

  it.each(['', 'Cluster.local', 'a..b', '.a', 'a.', '-a', 'a-', 'a/b', `${label}a`, `${label}.${label}.${label}`])(
    'may not be %j',
    (text) => {
      expect(parseClusterDomain(text)).toMatchObject({ ok: false });
    },
  );
});

describe('a cluster FQDN', () => {
  it.each(['dev.buildkit.internal', 'a.b', 'x1.y-z.example'])('may be %s', (text) => {
    expect(parseClusterFqdn(text)).toEqual({ ok: true, value: text });
  });

  it.each(['', 'cluster', 'Cluster.local', 'a..b', '.a.b', 'a.b.', '-a.b', 'a.b/c', 'a b.c', `${'a.'.repeat(127)}ab`])(
    'may not be %j',
    (text) => {
      expect(parseClusterFqdn(text)).toEqual({
        ok: false,
        error: `cluster FQDN: expected a lower-case DNS name with a dot, got ${JSON.stringify(text)}`,
      });
    },
  );
});

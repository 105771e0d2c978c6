import { describe, expect, it } from 'vitest';
import { isClientGranted, isGranted } from '../../../core/access/grant.ts';
import { isIssuanceRefused, isRevoked } from '../../../core/access/revocation.ts';
import { isNamed } from '../../../core/access/rules.ts';
import { listInlineIssuers } from '../../../core/oidc/trusted-issuer.ts';
import { readPool } from '../../../core/pool/read.ts';

const metadata = { name: 'pool', namespace: 'tenant-a', uid: 'u', resourceVersion: '1' };

const open = {
  workers: { namespaces: { from: 'All' } },
  clients: { namespaces: { from: 'All' }, rules: [{ users: ['*', 'system:serviceaccount:*'] }] },
  oidc: { inline: [{ issuer: 'https://issuer.example', audience: 'a' }] },
};

describe('a stored pool', () => {
  it('is read as what it means', () => {
    const pool = readPool({ metadata, spec: { v1alpha1: { networking: { port: 7 } } }, status: { phase: 'Running' } });
    expect(pool).toEqual({ metadata, spec: { gateway: { service: { port: 7 } } }, status: { phase: 'Running' } });
  });

  it.each([undefined, null, {}])('without a spec is read as an empty one: %j', (spec) => {
    expect(readPool({ metadata, spec })).toEqual({ metadata, spec: {} });
  });

  it.each([
    [
      'a time in lower case',
      { access: { ...open, revokedBefore: '2020-01-01t00:00:00z' } },
      'spec.access.revokedBefore',
    ],
    ['no map of sections', 7, 'spec'],
    [
      'an issuer without audience',
      { access: { ...open, oidc: { inline: [{ issuer: 'https://a.example' }] } } },
      'spec.access.oidc.inline[0].audience',
    ],
  ])('with %s says so and lets nobody in', (_name, spec, field) => {
    const pool = readPool({ metadata, spec });
    expect(pool.fault).toContain(`${field}: `);
    const { access } = pool.spec;
    const guest = { poolNamespace: 'tenant-a', namespace: 'tenant-b', labels: {} };
    const account = { user: { username: 'system:serviceaccount:tenant-a:default' } };
    expect([
      isGranted(access, guest),
      isClientGranted(access, guest),
      isClientGranted(access, { ...guest, namespace: 'tenant-a' }),
      isNamed(access, account, metadata),
      listInlineIssuers(pool, { clusterIssuer: 'https://cluster.example', isPrivateAllowed: true }).length,
      isIssuanceRefused(access, { principal: 'p', issuedAtMs: Date.parse('2999-01-01T00:00:00Z') }),
      isRevoked(access, { principal: 'p', issuedAtMs: Date.parse('2999-01-01T00:00:00Z') }),
    ]).toEqual([false, false, false, false, 0, true, true]);
  });
});

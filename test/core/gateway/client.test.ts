import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { certificateBackdateSeconds } from '../../../api/limits/certificates.ts';
import { formatClientUris, type ClientIdentity } from '../../../core/certificates/client-uris.ts';
import {
  checkCapacity,
  checkClient,
  checkStill,
  type ShownCertificate,
  type WatchedPool,
} from '../../../core/gateway/client.ts';
import { REFUSAL_REASONS, readProblem, toStatus } from '../../../core/gateway/refusal.ts';

const clusterFqdn = 'dev.buildkit.internal';
const own = { namespace: 'tenant-a', name: 'pool', uid: '11111111-1111-4111-8111-111111111111' };
const issuedAtMs = Date.parse('2026-05-01T12:00:00Z');
const principal = 'system:serviceaccount:tenant-a:builder';

const makePool = (access: WatchedPool['spec']['access'] = {}, metadata: object = {}): WatchedPool => ({
  metadata: { ...own, ...metadata },
  spec: { access },
});

const show = (change: Partial<ShownCertificate> = {}, identity: Partial<ClientIdentity> = {}): ShownCertificate => ({
  isVerified: true,
  fault: undefined,
  uris: formatClientUris(clusterFqdn, { pools: [own], principal, domainHash: 'a'.repeat(64), ...identity }),
  notBeforeMs: issuedAtMs - certificateBackdateSeconds * 1000,
  ...change,
});

const reasonOf = (shown: ShownCertificate | undefined, pool = makePool()): string => {
  const checked = checkClient(shown, { clusterFqdn, pool });
  return checked.ok ? 'let in' : checked.error.reason;
};

describe('a client', () => {
  it('is admitted with a certificate of this pool, under the principal of the certificate', () => {
    expect(checkClient(show(), { clusterFqdn, pool: makePool() })).toEqual({
      ok: true,
      value: { principal, issuedAtMs },
    });
  });

  it('is let in with a certificate of several pools', () => {
    const other = { ...own, name: 'other', uid: 'other-uid' };
    expect(reasonOf(show({}, { pools: [other, own] }))).toBe('let in');
  });

  it.each<[string, ShownCertificate | undefined]>([
    ['no_certificate', undefined],
    ['expired', show({ isVerified: false, fault: 'CERT_HAS_EXPIRED' })],
    ['not_yet_valid', show({ isVerified: false, fault: 'CERT_NOT_YET_VALID' })],
    ['bad_certificate', show({ isVerified: false, fault: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })],
    ['bad_certificate', show({ isVerified: false })],
    ['bad_certificate', show({ uris: [] })],
    ['bad_certificate', show({ uris: [...show().uris, 'DNS:example.com'] })],
    ['other_pool', show({}, { pools: [{ ...own, name: 'other' }] })],
    ['other_pool', show({}, { pools: [{ ...own, namespace: 'tenant-b' }] })],
    ['pool_recreated', show({}, { pools: [{ ...own, uid: '22222222-2222-4222-8222-222222222222' }] })],
  ])('is refused: %s', (reason, shown) => {
    expect(reasonOf(shown)).toBe(reason);
  });

  it('is refused by a certificate of another cluster', () => {
    const uris = formatClientUris('other.example', { pools: [own], principal, domainHash: 'a'.repeat(64) });
    expect(reasonOf(show({ uris }))).toBe('bad_certificate');
  });

  it.each([
    ['revoked', { revokedBefore: '2026-05-01T12:00:01Z' }],
    ['let in', { revokedBefore: '2026-05-01T12:00:00Z' }],
    ['revoked', { revokedPrincipals: [{ principal, before: '2026-05-01T12:00:01Z' }] }],
    ['let in', { revokedPrincipals: [{ principal: `${principal}2`, before: '2026-05-01T12:00:01Z' }] }],
  ])('is %s by %o', (reason, access) => {
    expect(reasonOf(show(), makePool(access))).toBe(reason);
  });

  it('stays only as long as its pool does, and as it is not revoked', () => {
    const client = { principal, issuedAtMs };
    expect(checkStill(client, makePool())).toBeUndefined();
    expect(checkStill(client, makePool({ revokedBefore: '2026-05-02T00:00:00Z' }))?.reason).toBe('revoked');
    const going = makePool({}, { deletionTimestamp: '2026-05-02T00:00:00Z' });
    expect(checkStill(client, going)?.reason).toBe('pool_deleted');
    expect(reasonOf(show(), going)).toBe('pool_deleted');
  });

  it('is never let in by what is not verified or not of this pool, whatever else it says', () => {
    const anyShown = fc.record({
      isVerified: fc.boolean(),
      fault: fc.option(fc.string(), { nil: undefined }),
      uris: fc.array(fc.oneof(fc.string(), fc.constantFrom(...show().uris)), { maxLength: 4 }),
      notBeforeMs: fc.integer(),
    });
    fc.assert(
      fc.property(anyShown, (shown) => {
        const isOurs = shown.isVerified && JSON.stringify(shown.uris) === JSON.stringify(show().uris);
        expect(reasonOf(shown) === 'let in').toBe(isOurs);
      }),
    );
  });
});

describe('one connection more', () => {
  const limited = makePool({ clients: { limits: { connections: 2 } } });

  it.each([
    [undefined, makePool(), { all: 9, ofPrincipal: 9 }],
    ['exhausted', makePool(), { all: 10, ofPrincipal: 0 }],
    [undefined, limited, { all: 5, ofPrincipal: 1 }],
    ['too_many_connections', limited, { all: 5, ofPrincipal: 2 }],
  ])('is answered by %s', (reason, pool, open) => {
    expect(checkCapacity(open, 10, pool)?.reason).toBe(reason);
  });
});

describe('a refusal', () => {
  it('has a code that clients neither try again nor take for a defect', () => {
    for (const reason of REFUSAL_REASONS) {
      expect([7, 8, 9, 16]).toContain(toStatus({ reason, message: '' }).code);
    }
  });

  it.each([
    [403, 7],
    [401, 16],
    [429, 8],
    [409, 9],
    [422, 9],
  ])('of `allocation` by status %i has the code %i, and its words', (status, code) => {
    const refusal = readProblem(status, { detail: 'pods "w" is forbidden: exceeded quota: q', code: 'c' });
    expect(refusal && toStatus(refusal)).toEqual({ code, message: 'pods "w" is forbidden: exceeded quota: q' });
  });

  it.each([
    [503, { detail: 'd', code: 'unavailable' }],
    [401, { detail: 'd', code: 'unauthenticated' }],
    [403, 'forbidden by a proxy'],
    [404, undefined],
  ])('is not made from an answer that says nothing about the client (%i %o)', (status, body) => {
    expect(readProblem(status, body)).toBeUndefined();
  });
});

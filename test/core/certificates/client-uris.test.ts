import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatClientUris,
  formatPoolUri,
  opensPool,
  parseClientUris,
  type ClientUriFault,
} from '../../../core/certificates/client-uris.ts';

const pool = { namespace: 'tenant-a', name: 'pool-a', uid: '11111111-1111-4111-8111-111111111111' };
const uri = `buildkit://dev.buildkit.internal/ns/tenant-a/pool/pool-a/uid/${pool.uid}`;
const opens = (...uris: string[]) => opensPool(uris, 'dev.buildkit.internal', pool);

it('opens the pool it names, among others', () => {
  expect(opens(uri)).toBe(true);
  expect(opens('buildkit://other.internal/ns/x/pool/y/uid/z', uri)).toBe(true);
});

it.each([
  ['nothing', ''],
  ['another cluster', uri.replace('dev.', 'prod.')],
  ['another namespace', uri.replace('tenant-a', 'tenant-b')],
  ['another pool', uri.replace('pool-a', 'pool-b')],
  ['the pool that had this name before', uri.replace('1111', '2222')],
  ['more than the pool', `${uri}/lease/1`],
  ['less than the pool', uri.slice(0, -1)],
  ['the same in capitals', uri.toUpperCase()],
  ['the same with a space', `${uri} `],
  ['the same behind another scheme', uri.replace('buildkit:', 'https:')],
])('does not open it for a certificate that names %s', (_, other) => {
  expect(opens(other)).toBe(false);
});

it('does not open it for a certificate without names', () => {
  expect(opens()).toBe(false);
});

const fqdn = 'dev.buildkit.internal';
const hashes = { principal: 'oidc:ns/config:jo~e/\u{1f600}', domainHash: 'ab'.repeat(32) };
const own = `buildkit://${fqdn}/principal/oidc%3Ans%2Fconfig%3Ajo~e%2F%F0%9F%98%80/domain/${hashes.domainHash}`;
const parse = (...uris: string[]) => parseClientUris(fqdn, uris);
const numbered = (count: number) => Array.from({ length: count }, (_, index) => uri.replace('pool-a', `pool-${index}`));

describe('the URIs of a client certificate', () => {
  it('give the pools and whose it is', () => {
    const other = { ...pool, name: 'pool-b' };
    expect(formatClientUris(fqdn, { pools: [pool, other], ...hashes })).toEqual([
      uri,
      uri.replace('pool-a', 'pool-b'),
      own,
    ]);
    expect(parse(uri, own)).toEqual({ ok: true, value: { pools: [pool], ...hashes } });
  });

  it('name 16 pools at most', () => {
    expect(parse(...numbered(16), own).ok).toBe(true);
    expect(parse(...numbered(17), own)).toEqual({ ok: false, error: 'too_many_pools' });
  });

  it('have names as long as Kubernetes takes them, and no longer', () => {
    const longest = { namespace: 'n'.repeat(63), name: 'p'.repeat(52), uid: 'u'.repeat(64) };
    const parsePool = (one: typeof pool) => parse(formatPoolUri(fqdn, one), own).ok;
    expect(parsePool({ namespace: '1', name: 'p', uid: 'u' })).toBe(true);
    expect(parsePool(longest)).toBe(true);
    for (const field of ['namespace', 'name', 'uid'] as const) {
      expect(parsePool({ ...longest, [field]: `${longest[field]}x` }), field).toBe(false);
      expect(parsePool({ ...longest, [field]: '' }), field).toBe(false);
      expect(parsePool({ ...longest, [field]: 'a/b' }), field).toBe(false);
    }
    expect(parsePool({ ...longest, name: '1p' })).toBe(false);
  });

  it.each<[string, string[], ClientUriFault]>([
    ['nothing', [], 'no_principal'],
    ['pools alone, as certificates said before', [uri], 'no_principal'],
    ['whose it is alone', [own], 'no_pool'],
    ['whose it is before the pools', [own, uri], 'no_principal'],
    ['two that it is of', [uri, own, own], 'unknown_uri'],
    ['a pool twice', [uri, uri, own], 'repeated_pool'],
    ['a pool of another cluster', [uri.replace('dev.', 'prod.'), own], 'unknown_uri'],
    ['a pool of a cluster whose name is longer', [uri.replace('internal', 'internal.x'), own], 'unknown_uri'],
    ['somebody of another cluster', [uri, own.replace('dev.', 'prod.')], 'no_principal'],
    ['a form that is not known', [uri, `buildkit://${fqdn}/admin`, own], 'unknown_uri'],
    ['more after a pool', [`${uri}/lease/1`, own], 'unknown_uri'],
    ['more after whose it is', [uri, `${own}/x`], 'no_principal'],
    ['a line break after whose it is', [uri, `${own}\n`], 'no_principal'],
    ['a line break after a pool', [`${uri}\n`, own], 'unknown_uri'],
    ['a hash in capitals', [uri, own.replaceAll('ab', 'AB')], 'no_principal'],
    ['a hash that is too short', [uri, own.slice(0, -1)], 'no_principal'],
    ['no domain', [uri, own.replace(/\/domain.*/, '')], 'no_principal'],
    ['a name with a slash of its own', [uri, own.replace('%2F', '/')], 'no_principal'],
    ['a name whose escapes are in lower case', [uri, own.replace('%2F', '%2f')], 'no_principal'],
    ['a name with an escape that none is needed for', [uri, own.replace('config', '%63onfig')], 'no_principal'],
    ['a name that is no UTF-8', [uri, own.replace('%F0%9F%98%80', '%F0%9F%98')], 'no_principal'],
    ['a name that is empty', [uri, own.replace(/principal\/[^/]*/, 'principal/')], 'no_principal'],
    ['a name that is too long to be revoked', [uri, own.replace('config', 'c'.repeat(1024))], 'no_principal'],
    ['another scheme', [uri, own.replace('buildkit:', 'spiffe:')], 'no_principal'],
  ])('are refused with %s', (_, uris, error) => {
    expect(parse(...uris)).toEqual({ ok: false, error });
  });

  const label = fc.stringMatching(/^[a-z][-a-z0-9]{0,50}[a-z0-9]$/);
  const sha256 = fc.stringMatching(/^[0-9a-f]{64}$/);
  const identity = fc.record({
    pools: fc.uniqueArray(fc.record({ namespace: label, name: label, uid: fc.uuid() }), {
      minLength: 1,
      maxLength: 16,
      selector: ({ namespace, name, uid: id }) => `${namespace}/${name}/${id}`,
    }),
    principal: fc.string({ unit: 'binary', minLength: 1, maxLength: 512 }),
    domainHash: sha256,
  });

  it('are read as they were written, whatever they name', () => {
    fc.assert(
      fc.property(identity, (one) => {
        expect(parseClientUris(fqdn, formatClientUris(fqdn, one))).toEqual({ ok: true, value: one });
      }),
    );
  });

  it('have one spelling: what is read would be written just so', () => {
    const mutated = fc
      .tuple(identity, fc.nat(), fc.nat(), fc.string({ minLength: 0, maxLength: 2 }))
      .map(([one, which, where, text]) => {
        const uris = formatClientUris(fqdn, one);
        const index = which % uris.length;
        const changed = uris[index] ?? '';
        const start = where % (changed.length + 1);
        return uris.with(index, changed.slice(0, start) + text + changed.slice(start + 1));
      });
    fc.assert(
      fc.property(mutated, (uris) => {
        const parsed = parseClientUris(fqdn, uris);
        if (parsed.ok) expect(formatClientUris(fqdn, parsed.value)).toEqual(uris);
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { checkCertificate, type CheckedAgainst } from '../../../adapters/x509/check.ts';
import { generateKeyPair } from '../../../adapters/x509/keys.ts';
import { createSelfSigner, type Signer } from '../../../adapters/x509/signer.ts';
import { encodeCertificate, encodeTbsCertificate } from '../../../adapters/x509/specimen.ts';
import { formatClientUris, type ClientIdentity } from '../../../core/certificates/client-uris.ts';
import { makeRootProfile, type CertificateProfile } from '../../../core/certificates/profile.ts';

const makeSigner = (): Signer =>
  createSelfSigner(generateKeyPair(), makeRootProfile({ serial: Uint8Array.of(1), nowSeconds: 1_000 }));

const signer = makeSigner();
const { publicKey, keyId } = generateKeyPair();
const keys = { publicKey, subjectKeyId: keyId, issuerName: signer.name, issuerKeyId: signer.keyId };
const profile: CertificateProfile = {
  serial: Uint8Array.of(0x7f, 2),
  subject: { organization: 'buildkit-client', commonName: 'abc' },
  notBefore: 1_000,
  notAfter: 2_000,
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: ['clientAuth'],
  names: [{ kind: 'uri', value: 'buildkit://a.b/ns/n/pool/p/uid/u' }],
};
const against: CheckedAgainst = { ...keys, profile, issuerPublicKey: signer.publicKey };

function make(made: CertificateProfile, by = signer, withKeys = keys): Uint8Array {
  const tbsCertificate = encodeTbsCertificate(made, withKeys);
  return encodeCertificate(tbsCertificate, by.sign(tbsCertificate));
}

const refused = (error: string) => ({ ok: false, error });

it('accepts a certificate that matches its profile', () => {
  expect(checkCertificate(make(profile), against)).toEqual({ ok: true, value: undefined });
});

describe('a certificate is held back when it says another', () => {
  it.each<[string, Partial<CertificateProfile>, string]>([
    ['serial', { serial: Uint8Array.of(0x7f, 3) }, 'certificate.serial: expected 7f02, got 7f03'],
    [
      'organization',
      { subject: { organization: 'x', commonName: 'abc' } },
      'certificate.subject: expected 2.5.4.10=buildkit-client,2.5.4.3=abc, got 2.5.4.10=x,2.5.4.3=abc',
    ],
    [
      'name',
      { subject: { organization: 'buildkit-client', commonName: 'abd' } },
      'certificate.subject: expected 2.5.4.10=buildkit-client,2.5.4.3=abc, got 2.5.4.10=buildkit-client,2.5.4.3=abd',
    ],
    [
      'subject without organization',
      { subject: { commonName: 'abc' } },
      'certificate.subject: expected 2.5.4.10=buildkit-client,2.5.4.3=abc, got 2.5.4.3=abc',
    ],
    ['beginning', { notBefore: 999 }, 'certificate.notBefore: expected 1000, got 999'],
    ['end', { notAfter: 2_001 }, 'certificate.notAfter: expected 2000, got 2001'],
    [
      'kind of holder',
      { ca: { pathLength: 0 } },
      'certificate.2.5.29.19: expected critical CA:FALSE, got critical CA:TRUE,pathLength:0',
    ],
    [
      'key usage',
      { keyUsage: ['digitalSignature', 'keyCertSign'] },
      'certificate.2.5.29.15: expected critical 0, got critical 0,5',
    ],
    [
      'purpose',
      { extendedKeyUsage: ['serverAuth'] },
      'certificate.2.5.29.37: expected 1.3.6.1.5.5.7.3.2, got 1.3.6.1.5.5.7.3.1',
    ],
    [
      'second purpose',
      { extendedKeyUsage: ['clientAuth', 'serverAuth'] },
      'certificate.2.5.29.37: expected 1.3.6.1.5.5.7.3.2, got 1.3.6.1.5.5.7.3.2,1.3.6.1.5.5.7.3.1',
    ],
    [
      'constraint',
      { uriHost: 'a.b' },
      'certificate.2.5.29.30: expected nothing, got critical only 6:a.b; never 2:,7:0000000000000000,7:' +
        '00'.repeat(32),
    ],
    ['purpose: none', { extendedKeyUsage: [] }, 'certificate.2.5.29.37: expected 1.3.6.1.5.5.7.3.2, got nothing'],
    [
      'pool',
      { names: [{ kind: 'uri', value: 'buildkit://a.b/ns/n/pool/q/uid/u' }] },
      'certificate.2.5.29.17: expected ["6:buildkit://a.b/ns/n/pool/p/uid/u"], got ["6:buildkit://a.b/ns/n/pool/q/uid/u"]',
    ],
    [
      'pool more',
      { names: [...profile.names, { kind: 'uri', value: 'x' }] },
      'certificate.2.5.29.17: expected ["6:buildkit://a.b/ns/n/pool/p/uid/u"], got ["6:buildkit://a.b/ns/n/pool/p/uid/u","6:x"]',
    ],
    [
      'name that is an address',
      { names: [{ kind: 'ipv4', value: '127.0.0.1' }] },
      'certificate.2.5.29.17: expected ["6:buildkit://a.b/ns/n/pool/p/uid/u"], got ["7:127.0.0.1"]',
    ],
    [
      'pool: none',
      { names: [] },
      'certificate.2.5.29.17: expected ["6:buildkit://a.b/ns/n/pool/p/uid/u"], got nothing',
    ],
  ])('%s', (_, change, message) => {
    expect(checkCertificate(make({ ...profile, ...change }), against)).toEqual(refused(message));
  });

  it.each(['principal', 'domainHash'] as const)('%s', (field) => {
    const pools = [{ namespace: 'n', name: 'p', uid: 'u' }];
    const own = { pools, principal: 'a'.repeat(64), domainHash: 'b'.repeat(64) };
    const profileOf = (identity: ClientIdentity): CertificateProfile => ({
      ...profile,
      names: formatClientUris('a.b', identity).map((value) => ({ kind: 'uri', value })),
    });
    const [meant, said] = [profileOf(own), profileOf({ ...own, [field]: 'c'.repeat(64) })];
    const text = ({ names }: CertificateProfile) => JSON.stringify(names.map(({ value }) => `6:${value}`));
    expect(checkCertificate(make(meant), { ...against, profile: meant }).ok).toBe(true);
    expect(checkCertificate(make(said), { ...against, profile: meant })).toEqual(
      refused(`certificate.2.5.29.17: expected ${text(meant)}, got ${text(said)}`),
    );
  });

  it('key', () => {
    const other = generateKeyPair().publicKey;
    expect(checkCertificate(make(profile, signer, { ...keys, publicKey: other }), against)).toEqual(
      refused(`certificate.publicKey: expected ${publicKey.toHex()}, got ${other.toHex()}`),
    );
  });

  it.each([
    ['subject key identifier', 'subjectKeyId', '2.5.29.14'],
    ['authority key identifier', 'issuerKeyId', '2.5.29.35'],
  ] as const)('%s', (_, field, id) => {
    expect(checkCertificate(make(profile, signer, { ...keys, [field]: Uint8Array.of(1) }), against)).toEqual(
      refused(`certificate.${id}: expected ${keys[field].toHex()}, got 01`),
    );
  });
});

describe('a certificate is held back when it is', () => {
  it('signed by somebody else', () => {
    expect(checkCertificate(make(profile, makeSigner()), against)).toEqual(
      refused('certificate.signature: expected one by the issuer, got another'),
    );
  });

  it('not the bytes that were signed', () => {
    const certificate = make(profile);
    const index = Buffer.from(certificate).indexOf('/pool/p/') + 6;
    certificate[index] = 'q'.charCodeAt(0);
    expect(checkCertificate(certificate, against)).toEqual(
      refused('certificate.signature: expected one by the issuer, got another'),
    );
  });

  it('followed by other bytes', () => {
    expect(checkCertificate(Uint8Array.of(...make(profile), 0), against)).toEqual(
      refused('certificate: expected X.509 in DER, got expected one value, got bytes after it'),
    );
  });

  it('not DER at all', () => {
    expect(checkCertificate(new Uint8Array(), against)).toEqual(
      refused('certificate: expected X.509 in DER, got expected a value, got the end'),
    );
  });
});

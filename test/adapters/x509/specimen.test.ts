import fc from 'fast-check';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generateKeyPair } from '../../../adapters/x509/keys.ts';
import { encodeCertificate, encodeTbsCertificate } from '../../../adapters/x509/specimen.ts';
import { encodeName, serializeTbsCertificate } from '../../../adapters/x509/template.ts';
import type { CertificateProfile } from '../../../core/certificates/profile.ts';
import * as byHand from './by-hand.ts';

const spkis = [
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  generateKeyPairSync('rsa', { modulusLength: 2048 }),
  generateKeyPairSync('ed25519'),
].map(({ publicKey }) => new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })));
const issuerNames = ['buildkit-controller clients', 'x', 'Z\u00fcrich'].map((commonName) => encodeName({ commonName }));

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const text = (maxLength: number) => fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength });
const seconds = fc.integer({ min: Date.UTC(1970, 0, 1) / 1000, max: Date.UTC(9999, 0, 1) / 1000 });
const optional = <T>(name: string, value: fc.Arbitrary<T>) => fc.oneof(fc.constant({}), fc.record({ [name]: value }));

const profiles: fc.Arbitrary<CertificateProfile> = fc
  .tuple(
    fc.record({
      serial: fc.uint8Array({ minLength: 1, maxLength: 20 }).filter(([first]) => first !== 0),
      notBefore: fc.oneof(seconds, fc.integer({ min: 1.7e9, max: 2e9 })),
      notAfter: fc.oneof(seconds, fc.integer({ min: 1.7e9, max: 2e9 })),
      keyUsage: fc.subarray(['digitalSignature', 'keyCertSign', 'cRLSign'] as const, { minLength: 1 }),
      extendedKeyUsage: fc.subarray(['clientAuth', 'serverAuth'] as const),
      names: fc.array(
        fc.oneof(
          fc.record({ kind: fc.constantFrom('uri' as const, 'dns' as const), value: text(300) }),
          fc.record({ kind: fc.constant('ipv4' as const), value: fc.ipV4() }),
        ),
        { maxLength: 18 },
      ),
    }),
    optional('organization', text(64)),
    fc.oneof(text(64), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 })),
    optional('ca', fc.record({ pathLength: fc.nat(3) })),
    optional('uriHost', fc.domain()),
  )
  .map(([profile, organization, commonName, ca, uriHost]) => ({
    ...profile,
    ...ca,
    ...uriHost,
    subject: { ...organization, commonName },
  }));

const keys = fc.record({
  publicKey: fc.constantFrom(...spkis),
  subjectKeyId: octets(20),
  issuerName: fc.constantFrom(...issuerNames),
  issuerKeyId: octets(20),
});

describe('what is signed', () => {
  it('is byte for byte what is written by hand, whatever the profile', () => {
    fc.assert(
      fc.property(profiles, keys, (profile, withKeys) => {
        const made = encodeTbsCertificate(profile, withKeys);
        expect(made.toHex()).toBe(byHand.encodeTbsCertificate(profile, withKeys).toHex());
        expect(made.toHex()).toBe(serializeTbsCertificate(profile, withKeys).toHex());
      }),
    );
  });

  it('is filled in anew for each certificate of a shape', () => {
    const names = (letter: string) => [{ kind: 'uri' as const, value: letter.repeat(70) }];
    const make = (letter: string, octet: number, now: number): CertificateProfile => ({
      serial: new Uint8Array(16).fill(octet),
      subject: { organization: 'o', commonName: letter.repeat(64) },
      notBefore: now,
      notAfter: now + 60,
      keyUsage: ['digitalSignature'],
      extendedKeyUsage: ['clientAuth'],
      names: names(letter),
    });
    for (const [letter, octet, now] of [
      ['a', 0x11, 1.8e9],
      ['b', 0x22, 1.9e9],
      ['a', 0x7f, 1.8e9],
    ] as const) {
      const { publicKey, keyId } = generateKeyPair();
      const [issuerName] = issuerNames;
      if (issuerName === undefined) throw new Error('expected a name');
      const withKeys = { publicKey, subjectKeyId: keyId, issuerName, issuerKeyId: keyId };
      const profile = make(letter, octet, now);
      expect(encodeTbsCertificate(profile, withKeys)).toEqual(byHand.encodeTbsCertificate(profile, withKeys));
    }
  });

  it('keeps its bytes when another certificate is made', () => {
    const [issuerName, publicKey] = [issuerNames[0], spkis[0]];
    if (issuerName === undefined || publicKey === undefined) throw new Error('expected a name and a key');
    const withKeys = { publicKey, subjectKeyId: new Uint8Array(20), issuerName, issuerKeyId: new Uint8Array(20) };
    const profile: CertificateProfile = {
      serial: Uint8Array.of(1),
      subject: { commonName: 'a' },
      notBefore: 0,
      notAfter: 1,
      keyUsage: ['digitalSignature'],
      extendedKeyUsage: [],
      names: [],
    };
    const first = encodeTbsCertificate(profile, withKeys);
    const copy = first.slice();
    encodeTbsCertificate({ ...profile, serial: Uint8Array.of(2) }, withKeys);
    expect(first).toEqual(copy);
  });

  it('stands in the certificate with its signature, byte for byte as by hand', () => {
    const signature = fc.uint8Array({ minLength: 8, maxLength: 72 });
    fc.assert(
      fc.property(profiles, keys, signature, (profile, withKeys, signed) => {
        const tbs = encodeTbsCertificate(profile, withKeys);
        expect(encodeCertificate(tbs, signed).toHex()).toBe(byHand.encodeCertificate(tbs, signed).toHex());
      }),
    );
  });
});

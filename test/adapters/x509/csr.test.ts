import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCsr } from '../../../adapters/x509/csr.ts';
import * as der from '../../der.ts';
import { encode, objectIdentifier, sequence, set, toBytes } from '../../der.ts';
import { makeRoot } from '../../../adapters/x509/authorities.ts';
import { makeRootProfile } from '../../../core/certificates/profile.ts';
import * as csrs from './csrs.ts';
import { askFor, ed25519, extension, makeDer, NULL, p256, p384, rsa2048, toAlgorithm, toPem, toSpki } from './csrs.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'csr-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const openssl = (...args: string[]): string =>
  execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }).toString();
const taken = (spki: Uint8Array) => ({ ok: true, value: { publicKey: spki } });

describe('a request is taken', () => {
  it.each([
    ['P-256', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], '-sha256'],
    ['P-256 signed with SHA-512', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], '-sha512'],
    ['P-384', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'], '-sha384'],
    ['RSA of 2048 bits', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], '-sha256'],
    ['RSA of 3072 bits', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'], '-sha384'],
    ['Ed25519', ['-algorithm', 'ED25519'], '-sha256'],
  ])('as OpenSSL makes it of a key of %s, in PEM and in base64 DER', (_, key, digest) => {
    openssl('genpkey', ...key, '-out', 'key.pem');
    openssl('req', '-new', '-key', 'key.pem', digest, '-subj', '/O=me/CN=anybody', '-out', 'csr.pem');
    openssl('req', '-in', 'csr.pem', '-outform', 'DER', '-out', 'csr.der');
    openssl('pkey', '-in', 'key.pem', '-pubout', '-outform', 'DER', '-out', 'key.der');
    const publicKey = new Uint8Array(readFileSync(join(folder, 'key.der')));
    const read = readCsr(readFileSync(join(folder, 'csr.pem'), 'utf8'));
    expect(read).toMatchObject(taken(publicKey));
    expect(readCsr(readFileSync(join(folder, 'csr.der')).toString('base64'))).toEqual(read);
  });

  it('with the largest RSA key', () => {
    openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:4096', '-out', 'key.pem');
    const text = openssl('req', '-new', '-key', 'key.pem', '-subj', '/CN=x');
    expect(readCsr(text).ok).toBe(true);
  });

  it('with the label of old tools, and lines ended by both characters', () => {
    const pem = toPem(makeDer(), 'NEW CERTIFICATE REQUEST').replaceAll('\n', '\r\n');
    expect(readCsr(pem)).toMatchObject(taken(new Uint8Array(toSpki(p256))));
  });

  it('that asks for what every certificate says', () => {
    const attributes = [
      askFor(
        extension('2.5.29.19', sequence(), der.boolean(true)),
        extension('2.5.29.15', der.namedBits([0]), der.boolean(true)),
        extension('2.5.29.37', sequence(objectIdentifier('1.3.6.1.5.5.7.3.2'))),
      ),
    ];
    expect(readCsr(toPem(makeDer({ attributes })))).toMatchObject(taken(new Uint8Array(toSpki(p256))));
  });

  it('that names its key, as keytool does', () => {
    const named = asked(extension('2.5.29.14', der.octetString(Uint8Array.of(1, 2, 3))));
    expect(readCsr(toPem(named))).toMatchObject(taken(new Uint8Array(toSpki(p256))));
  });

  it('as keytool of a JDK 17 makes it', () => {
    const csr = `-----BEGIN NEW CERTIFICATE REQUEST-----
MIH3MIGfAgEAMA0xCzAJBgNVBAMTAmNpMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
QgAEVIJ8vcV0Ipf257OBgG0SxdnffBHPnLRhyyxvst/ExmvjO51c4Ul+h5Gjotq5
ACBSUTH1dbrkNiDnB5JVdO2D9aAwMC4GCSqGSIb3DQEJDjEhMB8wHQYDVR0OBBYE
FAbBas7tEzV4GEsa2dR9ECobs8bkMAoGCCqGSM49BAMCA0cAMEQCIFjuCNJV83uf
9Mch+SAyOGfy+Ndg4/+ZQd1XHA33+mR9AiA/HdPYHoGq5Y8SpVDmKarD/YaVAtqW
ZZ3MrJ61l/VEig==
-----END NEW CERTIFICATE REQUEST-----\n`;
    expect(readCsr(csr).ok).toBe(true);
  });

  it('whoever it says to be: the subject decides nothing', () => {
    const cn = (name: string) => sequence(set(sequence(objectIdentifier('2.5.4.3'), der.utf8String(name))));
    const keys = ['root', 'system:masters'].map((name) => readCsr(makeDer({ subject: cn(name) }).toBase64()));
    expect(keys[0]).toEqual(keys[1]);
  });
});

const refused = (expected: string, got: string) => ({ ok: false, error: { expected, got } });
const notDer = (why: string) => refused('a certification request in DER (RFC 2986)', `something else (${why})`);
const unwanted = (got: string) => refused('nothing asked for but a key', got);
const wrongSignature = refused('a signature by the key of the request', 'another');
const uri = (text: string) => encode(0x86, new TextEncoder().encode(text));
const dns = (text: string) => encode(0x82, new TextEncoder().encode(text));

const signed = (pair: csrs.Pair, algorithm: csrs.Part, digest: string | null, spki: csrs.Part = toSpki(pair)) =>
  makeDer({ spki, algorithm, makeSignature: (info) => sign(digest, info, pair.privateKey) });
const ecdsa = toAlgorithm('1.2.840.10045.4.3.2');
const rsaSha256 = toAlgorithm('1.2.840.113549.1.1.11', NULL);

/** SubjectPublicKeyInfo of RSA with these numbers, which need not make a key. */
const rsaSpki = (modulus: bigint, exponent = 65_537n) => {
  const octets = (value: bigint) => Uint8Array.fromHex(value.toString(16).replace(/^(?=(?:..)*.$)/, '0'));
  const key = sequence(der.integer(octets(modulus)), der.integer(octets(exponent)));
  return sequence(toAlgorithm('1.2.840.113549.1.1.1', NULL), der.bitString(toBytes(key)));
};
const rsaBits = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits });
const ed25519Spki = (hex: string) => sequence(toAlgorithm('1.3.101.112'), der.bitString(Uint8Array.fromHex(hex)));
const ecSpki = (curve: string, point: Uint8Array) =>
  sequence(toAlgorithm('1.2.840.10045.2.1', objectIdentifier(curve)), der.bitString(point));
const prime256v1 = '1.2.840.10045.3.1.7';
const point = toSpki(p256).subarray(-65);
const modulus2048 = BigInt(
  `0x${Buffer.from(rsa2048.publicKey.export({ format: 'jwk' }).n ?? '', 'base64url').toString('hex')}`,
);
const asked = (...extensions: readonly csrs.Part[]) => makeDer({ attributes: [askFor(...extensions)] });
const good = makeDer();

/** Each is one that a hostile client sent, and the whole answer to it. */
const hostile: readonly (readonly [string, string | Uint8Array, object])[] = [
  ['no text', '', notDer('expected a value, got the end')],
  ['no base64', 'not base64!', refused('PEM or base64', 'something else')],
  ['base64url', good.toBase64({ alphabet: 'base64url' }) + '_-', refused('PEM or base64', 'something else')],
  ['base64 with spare bits', 'MAF=', refused('PEM or base64', 'something else')],
  [
    'base64 without padding',
    toBytes(der.octetString(Uint8Array.of(1, 2))).toBase64({ omitPadding: true }),
    refused('PEM or base64', 'something else'),
  ],
  ['more than fits', 'A'.repeat(16_385), refused('at most 16384 characters', '16385')],
  ['two PEM blocks', toPem(good) + toPem(good), refused('one PEM block', '2')],
  ['a request and its key', toPem(good) + toPem(good, 'PRIVATE KEY'), refused('one PEM block', '2')],
  [
    'a certificate',
    makeRoot(makeRootProfile, 0).certificate,
    refused('a PEM block CERTIFICATE REQUEST', '"CERTIFICATE"'),
  ],
  [
    'another label at the end',
    toPem(good).replace('END CERTIFICATE', 'END NEW CERTIFICATE'),
    refused('-----END CERTIFICATE REQUEST----- on a line of its own', 'none'),
  ],
  [
    'a PEM header',
    toPem(good).replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n\n'),
    refused('base64 between the PEM boundaries', 'header fields (RFC 1421)'),
  ],
  ['trailing bytes', Uint8Array.of(...good, 0), notDer('expected one value, got bytes after it')],
  [
    'a field after the signature',
    toBytes(sequence(sequence(), sequence(), der.bitString(Uint8Array.of(1)), NULL)),
    notDer('expected no further field, got one'),
  ],
  [
    'a length longer than needed',
    Uint8Array.of(0x30, 0x84, 0, 0, ...good.subarray(2)),
    notDer('expected the shortest length'),
  ],
  [
    'the indefinite length',
    Uint8Array.of(0x30, 0x80, ...good.subarray(4), 0, 0),
    notDer('expected a definite length of at most 4 octets'),
  ],
  [
    'half of it',
    good.subarray(0, 100),
    notDer(`expected ${good.length - 4 + (good.length > 259 ? 0 : 1)} bytes, got the end`),
  ],
  ['version 2', makeDer({ version: der.integer(1) }), refused('version 1 (RFC 2986, 4.1)', 'the number 01')],
  [
    'version 0 in two octets',
    makeDer({ version: encode(2, Uint8Array.of(0, 0)) }),
    notDer('expected the shortest number'),
  ],
  [
    'no attributes field',
    toBytes(sequence(sequence(der.integer(0), sequence(), toSpki(p256)), ecdsa, der.bitString(Uint8Array.of(1)))),
    notDer('expected tag 0xa0, got nothing'),
  ],
  ['a subject that is no name', makeDer({ subject: der.utf8String('me') }), notDer('expected tag 0x30, got 0x0c')],
  [
    'a subject in disorder',
    makeDer({
      subject: sequence(
        set(
          sequence(objectIdentifier('2.5.4.10'), der.utf8String('b')),
          sequence(objectIdentifier('2.5.4.3'), der.utf8String('a')),
        ),
      ),
    }),
    notDer('expected a set in order'),
  ],
  [
    'an object identifier with a leading zero',
    makeDer({ algorithm: sequence(encode(6, Uint8Array.fromHex('802a8648ce3d040302'))) }),
    notDer('expected the shortest identifier'),
  ],
  [
    'CA:true',
    asked(extension('2.5.29.19', sequence(der.boolean(true)), der.boolean(true))),
    unwanted('extension basicConstraints 30030101ff'),
  ],
  [
    'the right to sign certificates',
    asked(extension('2.5.29.15', der.namedBits([0, 5]))),
    unwanted('extension keyUsage 03020284'),
  ],
  [
    'serverAuth',
    asked(extension('2.5.29.37', sequence(objectIdentifier('1.3.6.1.5.5.7.3.1')))),
    unwanted('extension extendedKeyUsage 300a06082b06010505070301'),
  ],
  [
    'clientAuth and serverAuth',
    asked(
      extension('2.5.29.37', sequence(objectIdentifier('1.3.6.1.5.5.7.3.2'), objectIdentifier('1.3.6.1.5.5.7.3.1'))),
    ),
    unwanted('extension extendedKeyUsage 301406082b0601050507030206082b06010505070301'),
  ],
  [
    'a name of another pool',
    asked(extension('2.5.29.17', sequence(uri('b:')))),
    unwanted('extension subjectAltName 30048602623a'),
  ],
  [
    'a DNS name',
    asked(extension('2.5.29.17', sequence(dns('a.b')))),
    unwanted('extension subjectAltName 30058203612e62'),
  ],
  [
    'a name of its key that is none',
    asked(extension('2.5.29.14', der.integer(1))),
    notDer('expected tag 0x04, got 0x02'),
  ],
  [
    'a name of its key and another wish',
    asked(extension('2.5.29.14', der.octetString(Uint8Array.of(1))), extension('2.5.29.17', sequence(dns('a.b')))),
    unwanted('extension subjectAltName 30058203612e62'),
  ],
  ['any other extension', asked(extension('2.5.29.54', der.integer(1))), unwanted('extension 2.5.29.54 020101')],
  [
    'an extension that is good, then one that is not',
    asked(extension('2.5.29.19', sequence()), extension('2.5.29.30', sequence())),
    unwanted('extension 2.5.29.30 3000'),
  ],
  [
    'an extension with FALSE written out',
    asked(extension('2.5.29.19', sequence(), der.boolean(false))),
    notDer('expected TRUE, or nothing'),
  ],
  [
    'a challenge password',
    makeDer({ attributes: [sequence(objectIdentifier('1.2.840.113549.1.9.7'), set(der.utf8String('secret')))] }),
    unwanted('attribute 1.2.840.113549.1.9.7'),
  ],
  ['two attributes', makeDer({ attributes: [askFor(), askFor()] }), unwanted('2 attributes')],
  [
    'two lists of extensions',
    makeDer({ attributes: [sequence(objectIdentifier('1.2.840.113549.1.9.14'), set(sequence(), sequence()))] }),
    notDer('expected one list of extensions, got more'),
  ],
  [
    "somebody else's signature",
    makeDer({
      makeSignature: (info) => sign('sha256', info, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    }),
    wrongSignature,
  ],
  [
    "somebody else's key",
    makeDer({ spki: toSpki(generateKeyPairSync('ec', { namedCurve: 'P-256' })) }),
    wrongSignature,
  ],
  [
    'a signature of something else',
    makeDer({ makeSignature: () => sign('sha256', Buffer.from('x'), p256.privateKey) }),
    wrongSignature,
  ],
  ['no signature', makeDer({ makeSignature: () => new Uint8Array() }), wrongSignature],
  [
    'a signature by another digest',
    makeDer({ makeSignature: (info) => sign('sha384', info, p256.privateKey) }),
    wrongSignature,
  ],
  [
    'an ECDSA signature of zeros',
    makeDer({ makeSignature: () => toBytes(sequence(der.integer(0), der.integer(0))) }),
    wrongSignature,
  ],
  [
    'SHA-1',
    signed(rsa2048, toAlgorithm('1.2.840.113549.1.1.5', NULL), 'sha1'),
    refused('a signature of a kind that fits the key', 'algorithm 1.2.840.113549.1.1.5 NULL'),
  ],
  [
    'MD5',
    signed(rsa2048, toAlgorithm('1.2.840.113549.1.1.4', NULL), 'md5'),
    refused('a signature of a kind that fits the key', 'algorithm 1.2.840.113549.1.1.4 NULL'),
  ],
  [
    'RSA named, ECDSA signed',
    makeDer({ algorithm: rsaSha256 }),
    refused('a signature of a kind that fits the key', 'algorithm 1.2.840.113549.1.1.11 NULL'),
  ],
  [
    'RSA without its NULL',
    signed(rsa2048, toAlgorithm('1.2.840.113549.1.1.11'), 'sha256'),
    refused('a signature of a kind that fits the key', 'algorithm 1.2.840.113549.1.1.11'),
  ],
  [
    'ECDSA with parameters',
    makeDer({ algorithm: toAlgorithm('1.2.840.10045.4.3.2', sequence()) }),
    refused('a signature of a kind that fits the key', 'algorithm 1.2.840.10045.4.3.2 with parameters'),
  ],
  [
    'RSA of 1024 bits',
    signed(rsaBits(1024), rsaSha256, 'sha256'),
    refused('an RSA modulus of 2048 to 8192 bits', '1024'),
  ],
  [
    'RSA of 512 bits',
    makeDer({ spki: rsaSpki(2n ** 511n + 1n), algorithm: rsaSha256 }),
    refused('an RSA modulus of 2048 to 8192 bits', '512'),
  ],
  [
    'RSA of 2047 bits',
    makeDer({ spki: rsaSpki(2n ** 2046n + 1n), algorithm: rsaSha256 }),
    refused('an RSA modulus of 2048 to 8192 bits', '2047'),
  ],
  [
    'RSA of 16384 bits',
    makeDer({ spki: rsaSpki(2n ** 16383n + 1n), algorithm: rsaSha256 }),
    refused('an RSA modulus of 2048 to 8192 bits', '16384'),
  ],
  [
    'RSA of zero',
    makeDer({ spki: rsaSpki(0n), algorithm: rsaSha256 }),
    refused('an RSA modulus of 2048 to 8192 bits', '1'),
  ],
  [
    'RSA with exponent 1',
    makeDer({ spki: rsaSpki(modulus2048, 1n), algorithm: rsaSha256 }),
    refused('an odd RSA exponent from 65537 to 2^32', 'another'),
  ],
  [
    'RSA with exponent 3',
    signed(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }), rsaSha256, 'sha256'),
    refused('an odd RSA exponent from 65537 to 2^32', 'another'),
  ],
  [
    'RSA with an even exponent',
    makeDer({ spki: rsaSpki(modulus2048, 65_538n), algorithm: rsaSha256 }),
    refused('an odd RSA exponent from 65537 to 2^32', 'another'),
  ],
  [
    'RSA with a huge exponent',
    makeDer({ spki: rsaSpki(modulus2048, 2n ** 2000n + 1n), algorithm: rsaSha256 }),
    refused('an odd RSA exponent from 65537 to 2^32', 'another'),
  ],
  [
    'RSA with a modulus divisible by 751',
    makeDer({ spki: rsaSpki((2n ** 2048n / 751n) * 751n), algorithm: rsaSha256 }),
    refused('an RSA modulus of two large primes', 'one with a small factor'),
  ],
  [
    'RSA-PSS key',
    signed(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }), rsaSha256, 'sha256'),
    refused('RSA, P-256, P-384 or Ed25519', 'a key of another kind'),
  ],
  [
    'P-521',
    signed(generateKeyPairSync('ec', { namedCurve: 'P-521' }), ecdsa, 'sha256'),
    refused('RSA, P-256, P-384 or Ed25519', 'a key of another kind'),
  ],
  [
    'secp256k1',
    signed(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }), ecdsa, 'sha256'),
    refused('RSA, P-256, P-384 or Ed25519', 'a key of another kind'),
  ],
  [
    'P-224',
    signed(generateKeyPairSync('ec', { namedCurve: 'secp224r1' }), ecdsa, 'sha256'),
    refused('RSA, P-256, P-384 or Ed25519', 'a key of another kind'),
  ],
  [
    'Ed448',
    makeDer({ spki: toSpki(generateKeyPairSync('ed448')) }),
    refused('RSA, P-256, P-384 or Ed25519', 'a key of another kind'),
  ],
  [
    'X25519, which signs nothing',
    makeDer({ spki: toSpki(generateKeyPairSync('x25519')) }),
    refused('RSA, P-256, P-384 or Ed25519', 'a key of another kind'),
  ],
  [
    'a curve written out',
    signed(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }), ecdsa, 'sha256'),
    refused('RSA, P-256, P-384 or Ed25519', 'a key of another kind'),
  ],
  [
    'a compressed point',
    makeDer({ spki: ecSpki(prime256v1, Uint8Array.of(2, ...point.subarray(1, 33))) }),
    refused('an uncompressed point (RFC 5480, 2.2)', 'another form'),
  ],
  [
    'the point at infinity',
    makeDer({ spki: ecSpki(prime256v1, Uint8Array.of(0)) }),
    refused('an uncompressed point (RFC 5480, 2.2)', 'another form'),
  ],
  [
    'a point that is not on its curve',
    makeDer({ spki: ecSpki(prime256v1, Uint8Array.of(4, ...new Uint8Array(63), 1)) }),
    refused('a key', 'numbers that are none'),
  ],
  [
    'a point of P-384 as one of P-256',
    makeDer({ spki: ecSpki(prime256v1, toSpki(p384).subarray(-97)) }),
    refused('an uncompressed point (RFC 5480, 2.2)', 'another form'),
  ],
  [
    'an Ed25519 key with parameters',
    makeDer({ spki: sequence(toAlgorithm('1.3.101.112', NULL), der.bitString(toSpki(ed25519).subarray(-32))) }),
    refused('RSA, P-256, P-384 or Ed25519', 'a key of another kind'),
  ],
  [
    'an Ed25519 key under which anybody can sign',
    makeDer({
      spki: ed25519Spki(`01${'00'.repeat(31)}`),
      algorithm: toAlgorithm('1.3.101.112'),
      makeSignature: () => Uint8Array.fromHex(`01${'00'.repeat(63)}`),
    }),
    wrongSignature,
  ],
  [
    'an Ed25519 key of 31 bytes',
    makeDer({ spki: ed25519Spki('00'.repeat(31)), algorithm: toAlgorithm('1.3.101.112') }),
    refused('an Ed25519 key of 32 bytes', '31'),
  ],
  [
    'the same with its sign',
    makeDer({ spki: ed25519Spki(`01${'00'.repeat(30)}80`), algorithm: toAlgorithm('1.3.101.112') }),
    wrongSignature,
  ],
  [
    'a key with a field more',
    makeDer({ spki: sequence(toAlgorithm('1.3.101.112'), der.bitString(Uint8Array.of(1)), NULL) }),
    notDer('expected no further field, got one'),
  ],
];

describe('a request is refused:', () => {
  it.each(hostile)('%s', (_, sent, answer) => {
    expect(readCsr(typeof sent === 'string' ? sent : sent.toBase64())).toEqual(answer);
  });
});

describe('a request that was changed on its way', () => {
  const sources = [
    makeDer(),
    asked(extension('2.5.29.19', sequence())),
    signed(rsa2048, rsaSha256, 'sha256'),
    signed(p384, toAlgorithm('1.2.840.10045.4.3.3'), 'sha384'),
    signed(ed25519, toAlgorithm('1.3.101.112'), null),
  ];
  const change = fc.record({
    source: fc.constantFrom(...sources),
    kind: fc.constantFrom('flip', 'cut', 'insert', 'repeat'),
    at: fc.nat(2_000),
    octet: fc.integer({ min: 1, max: 255 }),
    length: fc.integer({ min: 1, max: 8 }),
  });

  function mutate({ source, kind, at, octet, length }: typeof change extends fc.Arbitrary<infer T> ? T : never) {
    const index = at % source.length;
    const [before, after] = [source.subarray(0, index), source.subarray(index)];
    if (kind === 'flip') return Uint8Array.of(...before, (after[0] ?? 0) ^ octet, ...after.subarray(1));
    if (kind === 'cut') return Uint8Array.of(...before, ...after.subarray(length));
    if (kind === 'insert') return Uint8Array.of(...before, octet, ...after);
    return Uint8Array.of(...before, ...after.subarray(0, length), ...after);
  }

  it('is refused, and takes no memory along', () => {
    const keys = new Set([p256, rsa2048, p384, ed25519].map((pair) => toSpki(pair).toString('hex')));
    const heapBefore = process.memoryUsage().heapUsed;
    fc.assert(
      fc.property(change, (mutation) => {
        const read = readCsr(mutate(mutation).toBase64());
        // Signatures of ECDSA have a twin: only the signed part of the request is proven.
        if (read.ok) expect(keys.has(read.value.publicKey.toHex())).toBe(true);
        else expect(Object.keys(read.error)).toEqual(['expected', 'got']);
      }),
    );
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(100 * 1024 * 1024);
  });

  it('is refused in its text', () => {
    const pem = toPem(makeDer());
    fc.assert(
      fc.property(fc.nat(pem.length - 1), fc.string({ minLength: 1, maxLength: 3 }), (at, text) => {
        const read = readCsr(pem.slice(0, at) + text + pem.slice(at + 1));
        if (read.ok) expect(read.value.publicKey).toEqual(new Uint8Array(toSpki(p256)));
      }),
    );
  });
});

/** A CA that signs: its certificate is read once, its key is held as a handle. */
import { createPrivateKey, createPublicKey, randomFillSync, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { certificateSerialBytes } from '../../api/limits/certificates.ts';
import type { SubjectKey } from '../../core/certificates/issued.ts';
import type { CertificateProfile } from '../../core/certificates/profile.ts';
import { checkCertificate } from './check.ts';
import { constructed, TAG, expectTag, readElement, readExtension, readInside, readTime } from './der-reader.ts';
import type { KeyPair } from './keys.ts';
import { OID } from './oids.ts';
import { encodeCertificate, encodeTbsCertificate } from './specimen.ts';
import { encodeName } from './template.ts';

/** What is known of a CA without its key. */
export interface Issuer {
  /** DER of its Name, as it stands in its certificate. */
  readonly name: Uint8Array;
  readonly keyId: Uint8Array;
  /** Seconds since the epoch. */
  readonly notAfter: number;
  readonly publicKey: KeyObject;
}

/** A CA whose key is here. */
export interface Signer extends Issuer {
  /** ecdsa-with-SHA256 over these bytes, in DER. */
  readonly sign: (tbsCertificate: Uint8Array) => Uint8Array;
}

/** As `Signer.sign`, by whoever holds the key: a KMS answers later. @throws when it does not. */
export type Sign = (tbsCertificate: Uint8Array) => Promise<Uint8Array>;

export interface TlsPair {
  /** PEM: one certificate. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
}

/** @throws {Error} saying what of the pair is not as a CA needs it. */
export function loadSigner(pair: TlsPair): Signer {
  const { certificate, key } = loadPair(pair);
  if (!certificate.ca) throw new Error('certificate: expected a CA, got an end entity');
  return { ...readCa(certificate.raw), publicKey: certificate.publicKey, sign: signWith(key) };
}

/** A certificate and the P-256 key that belongs to it. @throws {Error} when they are not. */
export function loadPair(pair: TlsPair): { certificate: X509Certificate; key: KeyObject } {
  if (pair.certificate.split('-----BEGIN').length !== 2) throw new Error('certificate: expected exactly one in PEM');
  const certificate = load('certificate', () => new X509Certificate(pair.certificate));
  const key = load('key', () => createPrivateKey(pair.key));
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('key: expected P-256, got another kind');
  if (!certificate.checkPrivateKey(key)) throw new Error('key: expected the one of the certificate, got another');
  return { certificate, key };
}

/** The parser's own words are left out: they may quote what was read, and that may be a key. */
function load<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new Error(`${what}: expected PEM, got something else`);
  }
}

/** Signs the certificate of its own key. */
export function createSelfSigner({ publicKey, privateKey, keyId }: KeyPair, profile: CertificateProfile): Signer {
  const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
  return {
    name: encodeName(profile.subject),
    keyId,
    notAfter: profile.notAfter,
    publicKey: createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' }),
    sign: signWith(key),
  };
}

/** A certificate in DER. @throws {Error} when what was made does not say what the profile says. */
export function issue(signer: Signer, profile: CertificateProfile, subject: SubjectKey): Uint8Array {
  const { tbsCertificate, complete } = prepare(signer, profile, subject);
  return complete(signer.sign(tbsCertificate));
}

export interface Prepared {
  readonly tbsCertificate: Uint8Array;
  /** The certificate in DER. @throws {Error} when what was made does not say what the profile says. */
  readonly complete: (signature: Uint8Array) => Uint8Array;
}

/** The template, and what is done with the signature over it. */
export function prepare(issuer: Issuer, profile: CertificateProfile, subject: SubjectKey): Prepared {
  const keys = {
    publicKey: subject.publicKey,
    subjectKeyId: subject.keyId,
    issuerName: issuer.name,
    issuerKeyId: issuer.keyId,
  };
  const tbsCertificate = encodeTbsCertificate(profile, keys);
  return {
    tbsCertificate,
    complete: (signature) => {
      const certificate = encodeCertificate(tbsCertificate, signature);
      const checked = checkCertificate(certificate, { ...keys, profile, issuerPublicKey: issuer.publicKey });
      if (!checked.ok) throw new Error(checked.error);
      return certificate;
    },
  };
}

/** 128 random bits; a first byte of zero is drawn again, so that every serial is written with as many digits. */
export function makeSerial(): Uint8Array {
  const serial = drawSerial();
  return serial[0] === 0 ? makeSerial() : serial;
}

/** Randomness is drawn for many serials at once: a serial is no secret, and a draw costs more than encoding it. */
const drawn = new Uint8Array(64 * certificateSerialBytes);
let drawnUsed = drawn.length;

function drawSerial(): Uint8Array {
  if (drawnUsed === drawn.length) {
    randomFillSync(drawn);
    drawnUsed = 0;
  }
  drawnUsed += certificateSerialBytes;
  return drawn.slice(drawnUsed - certificateSerialBytes, drawnUsed);
}

const signWith =
  (key: KeyObject) =>
  (bytes: Uint8Array): Uint8Array =>
    sign('sha256', bytes, key);

/** Fields 5 to 8 of TBSCertificate: validity, subject, key, extensions. */
function readCa(certificate: Uint8Array): Omit<Issuer, 'publicKey'> {
  const [tbs] = readInside(readElement(certificate), TAG.sequence);
  const [validity, subject, , extensions] = readInside(tbs, TAG.sequence).slice(4);
  const [, notAfter] = readInside(validity, TAG.sequence);
  const [list] = readInside(extensions, constructed(3));
  for (const extension of readInside(list, TAG.sequence)) {
    const { id, value } = readExtension(extension);
    if (id !== OID.subjectKeyIdentifier) continue;
    const keyId = readElement(value).content;
    return { name: expectTag(subject, TAG.sequence).encoded, keyId, notAfter: readTime(notAfter) };
  }
  throw new Error('certificate: expected a subject key identifier, got none');
}

/**
 * Certification requests (PKCS#10, RFC 2986), as strangers send them: proof of possession is checked, and the public key
 * is all that is taken. What else they ask for is refused, unless every certificate here says just that.
 */
import { verify, type KeyObject } from 'node:crypto';
import { maxCsrLength } from '../../api/limits/certificates.ts';
import type { CsrFault, SubjectKey } from '../../core/certificates/issued.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { constructed, TAG } from './der-reader.ts';
import * as read from './der-reader.ts';
import { makeKeyId } from './keys.ts';
import { OID } from './oids.ts';
import { decodeCsrText } from './csr-text.ts';
import { judgePublicKey } from './public-key.ts';

/** PEM, or the DER or the PEM in base64. */
export function readCsr(text: string): Result<SubjectKey, CsrFault> {
  if (text.length > maxCsrLength) return fault(`at most ${maxCsrLength} characters`, `${text.length}`);
  const bytes = decodeCsrText(text);
  if (!bytes.ok) return bytes;
  try {
    return judge(readParts(bytes.value));
  } catch (error) {
    if (!(error instanceof read.DerError)) throw error;
    return fault('a certification request in DER (RFC 2986)', `something else (${error.message})`);
  }
}

const fault = (expected: string, got: string): Result<never, CsrFault> => err({ expected, got });

interface Parts {
  /** CertificationRequestInfo: what is signed. */
  readonly signed: Uint8Array;
  readonly version: Uint8Array;
  readonly publicKey: read.Element;
  readonly attributes: readonly read.Element[];
  readonly algorithm: read.Element;
  readonly signature: Uint8Array;
}

function readParts(bytes: Uint8Array): Parts {
  const [info, algorithm, signature, ...more] = read.readInside(read.readElement(bytes), TAG.sequence);
  const [version, subject, publicKey, attributes, ...others] = read.readInside(info, TAG.sequence);
  if (more.length > 0 || others.length > 0) throw new read.DerError('expected no further field, got one');
  checkName(subject);
  return {
    signed: read.expectTag(info, TAG.sequence).encoded,
    version: read.readInteger(version),
    publicKey: read.expectTag(publicKey, TAG.sequence),
    attributes: read.readSet(attributes, constructed(0)),
    algorithm: read.expectTag(algorithm, TAG.sequence),
    signature: read.readBitString(signature),
  };
}

/** The subject must be a Name and decides nothing. */
function checkName(subject: read.Element | undefined): void {
  for (const relativeName of read.readInside(subject, TAG.sequence)) {
    for (const attribute of read.readSet(relativeName, TAG.set)) {
      const [type, , ...more] = read.readInside(attribute, TAG.sequence);
      read.readObjectIdentifier(type);
      if (more.length > 0) throw new read.DerError('expected no further field, got one');
    }
  }
}

function judge({ signed, version, publicKey, attributes, algorithm, signature }: Parts): Result<SubjectKey, CsrFault> {
  if (version.toHex() !== '00') return fault('version 1 (RFC 2986, 4.1)', `the number ${version.toHex()}`);
  const asked = findUnwanted(attributes);
  if (asked !== undefined) return fault('nothing asked for but a key', asked);
  const key = judgePublicKey(publicKey);
  if (!key.ok) return key;
  const scheme = readScheme(algorithm);
  const digest = digests[key.value.kind][scheme];
  if (digest === undefined) return fault('a signature of a kind that fits the key', `algorithm ${scheme}`);
  if (!isSigned({ signed, signature, digest, key: key.value.object })) {
    return fault('a signature by the key of the request', 'another');
  }
  return ok({ publicKey: publicKey.encoded, keyId: makeKeyId(key.value.bits) });
}

/** Signature algorithms by kind of key: the digest, null where the algorithm has its own (RFC 8032). */
const digests: Readonly<Record<'rsa' | 'ec' | 'ed25519', Readonly<Record<string, string | null>>>> = {
  rsa: {
    [`${OID.sha256WithRsa} NULL`]: 'sha256',
    [`${OID.sha384WithRsa} NULL`]: 'sha384',
    [`${OID.sha512WithRsa} NULL`]: 'sha512',
  },
  ec: { [OID.ecdsaWithSha256]: 'sha256', [OID.ecdsaWithSha384]: 'sha384', [OID.ecdsaWithSha512]: 'sha512' },
  ed25519: { [OID.ed25519]: null },
};

function readScheme(algorithm: read.Element): string {
  const [id, ...parameters] = read.readInside(algorithm, TAG.sequence);
  const [only, ...more] = parameters.map(({ encoded }) => encoded.toHex());
  const name = read.readObjectIdentifier(id);
  if (only === undefined) return name;
  return only === '0500' && more.length === 0 ? `${name} NULL` : `${name} with parameters`;
}

interface Signed {
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly digest: string | null;
  readonly key: KeyObject;
}

/** OpenSSL throws at some of the keys that it can read and not use. */
function isSigned({ signed, signature, digest, key }: Signed): boolean {
  try {
    return verify(digest, signed, key, signature);
  } catch {
    return false;
  }
}

/** The first thing asked for that a certificate here would not say; undefined where there is none. */
function findUnwanted(attributes: readonly read.Element[]): string | undefined {
  const [attribute, second] = attributes;
  if (attribute === undefined) return undefined;
  if (second !== undefined) return `${attributes.length} attributes`;
  const [type, values, ...more] = read.readInside(attribute, TAG.sequence);
  if (more.length > 0) throw new read.DerError('expected no further field, got one');
  const id = read.readObjectIdentifier(type);
  if (id !== OID.extensionRequest) return `attribute ${id}`;
  const [list, another] = read.readSet(values, TAG.set);
  if (another !== undefined) throw new read.DerError('expected one list of extensions, got more');
  return read.readInside(list, TAG.sequence).map(findUnwantedExtension).find(Boolean);
}

/** What every certificate says, in DER: asking for it asks for nothing. So does the name of a key, which keytool adds. */
const saidAnyway: Readonly<Record<string, string>> = {
  [OID.basicConstraints]: '3000',
  [OID.keyUsage]: '03020780',
  [OID.extKeyUsage]: '300a06082b06010505070302',
};

const extensionNames: Readonly<Record<string, string>> = {
  [OID.basicConstraints]: 'basicConstraints',
  [OID.keyUsage]: 'keyUsage',
  [OID.extKeyUsage]: 'extendedKeyUsage',
  [OID.subjectAltName]: 'subjectAltName',
};

function findUnwantedExtension(extension: read.Element): string | undefined {
  const { id, value } = read.readExtension(extension);
  const encoded = value.toHex();
  if (id === OID.subjectKeyIdentifier) {
    read.expectTag(read.readElement(value), TAG.octetString);
    return undefined;
  }
  return saidAnyway[id] === encoded ? undefined : `extension ${extensionNames[id] ?? id} ${encoded.slice(0, 64)}`;
}

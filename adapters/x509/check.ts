/**
 * The last look at a certificate before it leaves: what was encoded and signed is read again, by code that shares
 * nothing with the encoder, and must say what its profile says and nothing more.
 */
import { verify, type KeyObject } from 'node:crypto';
import type { CertificateProfile, SubjectName } from '../../core/certificates/profile.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { constructed, primitive, TAG } from './der-reader.ts';
import * as read from './der-reader.ts';
import { GENERAL_NAME, KEY_USAGE_BIT, OID } from './oids.ts';
import type { CertificateKeys } from './template.ts';

export interface CheckedAgainst extends CertificateKeys {
  readonly profile: CertificateProfile;
  readonly issuerPublicKey: KeyObject;
}

type Fields = Readonly<Record<string, string>>;

/** The error reads `certificate.<field>: expected <what>, got <what>`, for the first field that differs. */
export function checkCertificate(certificate: Uint8Array, against: CheckedAgainst): Result<void, string> {
  let found: Fields;
  try {
    const parts = readParts(certificate);
    if (!verify('sha256', parts.signed.encoded, against.issuerPublicKey, parts.signature)) {
      return err('certificate.signature: expected one by the issuer, got another');
    }
    found = readFields(parts);
  } catch (error) {
    return err(`certificate: expected X.509 in DER, got ${(error as Error).message}`);
  }
  const expected = expectFields(against);
  for (const field of new Set([...Object.keys(expected), ...Object.keys(found)])) {
    const [want = 'nothing', got = 'nothing'] = [expected[field], found[field]];
    if (want !== got) return err(`certificate.${field}: expected ${want}, got ${got}`);
  }
  return ok(undefined);
}

function expectFields({ profile, ...keys }: CheckedAgainst): Fields {
  const { organization, commonName } = profile.subject;
  const { ca, extendedKeyUsage, uriHost, names } = profile;
  return {
    version: '2',
    serial: profile.serial.toHex(),
    signatureAlgorithm: OID.ecdsaWithSha256,
    issuer: keys.issuerName.toHex(),
    notBefore: String(profile.notBefore),
    notAfter: String(profile.notAfter),
    subject: [
      ...(organization === undefined ? [] : [`${OID.organizationName}=${organization}`]),
      `${OID.commonName}=${commonName}`,
    ].join(','),
    publicKey: keys.publicKey.toHex(),
    [OID.basicConstraints]: ca === undefined ? 'critical CA:FALSE' : `critical CA:TRUE,pathLength:${ca.pathLength}`,
    [OID.keyUsage]: `critical ${profile.keyUsage.map((usage) => KEY_USAGE_BIT[usage]).join(',')}`,
    ...(extendedKeyUsage.length === 0
      ? {}
      : { [OID.extKeyUsage]: extendedKeyUsage.map((usage) => OID[usage]).join(',') }),
    ...(uriHost === undefined ? {} : { [OID.nameConstraints]: expectConstraints(uriHost) }),
    [OID.subjectKeyIdentifier]: keys.subjectKeyId.toHex(),
    [OID.authorityKeyIdentifier]: keys.issuerKeyId.toHex(),
    ...(names.length === 0 ? {} : { [OID.subjectAltName]: JSON.stringify(names.map(expectName)) }),
  };
}

const expectConstraints = (uriHost: string): string => {
  const everyAddress = [4, 16].map((octets) => `${GENERAL_NAME.ipv4}:${'00'.repeat(2 * octets)}`);
  return `critical only ${GENERAL_NAME.uri}:${uriHost}; never ${[`${GENERAL_NAME.dns}:`, ...everyAddress].join(',')}`;
};

const expectName = ({ kind, value }: SubjectName): string => `${GENERAL_NAME[kind]}:${value}`;

interface Parts {
  /** TBSCertificate */
  readonly signed: read.Element;
  readonly algorithm: read.Element;
  readonly signature: Uint8Array;
}

function readParts(certificate: Uint8Array): Parts {
  const [signed, algorithm, signature, ...more] = read.readInside(read.readElement(certificate), TAG.sequence);
  if (more.length > 0) throw new read.DerError('fields after the signature');
  return {
    signed: read.expectTag(signed, TAG.sequence),
    algorithm: read.expectTag(algorithm, TAG.sequence),
    signature: read.readBitString(signature),
  };
}

function readFields({ signed, algorithm }: Parts): Fields {
  const [version, serial, innerAlgorithm, issuer, validity, subject, publicKey, extensions, ...more] = read.readInside(
    signed,
    TAG.sequence,
  );
  if (more.length > 0) throw new read.DerError('fields after the extensions');
  const [notBefore, notAfter] = read.readInside(validity, TAG.sequence);
  const [versionNumber] = read.readInside(version, constructed(0));
  return {
    version: String(Number(`0x${read.readInteger(versionNumber).toHex()}`)),
    serial: read.readInteger(serial).toHex(),
    signatureAlgorithm: readAlgorithms(algorithm, innerAlgorithm),
    issuer: read.expectTag(issuer, TAG.sequence).encoded.toHex(),
    notBefore: String(read.readTime(notBefore)),
    notAfter: String(read.readTime(notAfter)),
    subject: readName(subject),
    publicKey: read.expectTag(publicKey, TAG.sequence).encoded.toHex(),
    ...readExtensions(extensions),
  };
}

/** Both places that name the algorithm, once where they agree. */
const readAlgorithms = (...fields: readonly (read.Element | undefined)[]): string =>
  [...new Set(fields.map(readAlgorithm))].join(' and ');

function readAlgorithm(element: read.Element | undefined): string {
  const [algorithm, ...parameters] = read.readInside(element, TAG.sequence);
  return read.readObjectIdentifier(algorithm) + (parameters.length > 0 ? ' with parameters' : '');
}

const readName = (name: read.Element | undefined): string =>
  read.readInside(name, TAG.sequence).map(readAttributes).join(',');

const readAttributes = (relativeName: read.Element): string =>
  read
    .readInside(relativeName, TAG.set)
    .map((attribute) => {
      const [type, value] = read.readInside(attribute, TAG.sequence);
      return `${read.readObjectIdentifier(type)}=${utf8.decode(read.expectTag(value, TAG.utf8String).content)}`;
    })
    .join('+');

function readExtensions(field: read.Element | undefined): Fields {
  const [list] = read.readInside(field, constructed(3));
  const fields: Record<string, string> = {};
  for (const extension of read.readInside(list, TAG.sequence)) {
    const { id, isCritical, value } = read.readExtension(extension);
    if (id in fields) throw new read.DerError(`extension ${id} twice`);
    fields[id] = (isCritical ? 'critical ' : '') + (readers[id] ?? readUnknown)(read.readElement(value));
  }
  return fields;
}

const readUnknown = (value: read.Element): string => `unknown ${value.encoded.toHex()}`;

const readers: Readonly<Record<string, (value: read.Element) => string>> = {
  [OID.basicConstraints]: readBasicConstraints,
  [OID.keyUsage]: (value) => read.readNamedBits(value).join(','),
  [OID.extKeyUsage]: (value) => read.readInside(value, TAG.sequence).map(read.readObjectIdentifier).join(','),
  [OID.subjectKeyIdentifier]: (value) => read.expectTag(value, TAG.octetString).content.toHex(),
  [OID.authorityKeyIdentifier]: readAuthorityKeyId,
  [OID.nameConstraints]: readNameConstraints,
  [OID.subjectAltName]: (value) => JSON.stringify(read.readInside(value, TAG.sequence).map(readGeneralName)),
};

function readBasicConstraints(value: read.Element): string {
  const [isCa, pathLength] = read.readInside(value, TAG.sequence);
  if (isCa === undefined) return 'CA:FALSE';
  if (read.expectTag(isCa, TAG.boolean).content[0] !== 0xff) throw new read.DerError('a default value written out');
  return pathLength === undefined
    ? 'CA:TRUE'
    : `CA:TRUE,pathLength:${Number(`0x${read.readInteger(pathLength).toHex()}`)}`;
}

function readAuthorityKeyId(value: read.Element): string {
  const [keyId, ...more] = read.readInside(value, TAG.sequence);
  return more.length > 0 ? readUnknown(value) : read.expectTag(keyId, primitive(0)).content.toHex();
}

function readNameConstraints(value: read.Element): string {
  const [permitted, excluded, ...more] = read.readInside(value, TAG.sequence);
  if (more.length > 0) return readUnknown(value);
  return `only ${readSubtrees(permitted, 0)}; never ${readSubtrees(excluded, 1)}`;
}

const readSubtrees = (list: read.Element | undefined, tag: number): string =>
  read
    .readInside(list, constructed(tag))
    .map((subtree) => {
      const [base, ...distances] = read.readInside(subtree, TAG.sequence);
      return base === undefined || distances.length > 0 ? readUnknown(subtree) : readBase(base);
    })
    .join(',');

const readBase = ({ tag, content }: read.Element): string =>
  tag === primitive(GENERAL_NAME.ipv4) ? `${tag & 0x1f}:${content.toHex()}` : readGeneralName({ tag, content });

function readGeneralName({ tag, content }: Pick<read.Element, 'tag' | 'content'>): string {
  const value = tag === primitive(GENERAL_NAME.ipv4) ? content.join('.') : utf8.decode(content);
  return `${tag & 0x1f}:${value}`;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

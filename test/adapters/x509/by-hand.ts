/** TBSCertificate (RFC 5280, 4.1) written by hand: what the library writes is compared with it, byte for byte. */
import { GENERAL_NAME, KEY_USAGE_BIT, OID as DOTTED } from '../../../adapters/x509/oids.ts';
import type { CertificateKeys } from '../../../adapters/x509/template.ts';
import type { CertificateProfile, SubjectName } from '../../../core/certificates/profile.ts';
import * as der from '../../der.ts';

const OID = Object.fromEntries(
  Object.entries(DOTTED).map(([name, dotted]) => [name, der.toBytes(der.objectIdentifier(dotted))]),
) as Readonly<Record<keyof typeof DOTTED, Uint8Array>>;

const utf8 = new TextEncoder();

/** AlgorithmIdentifier of ecdsa-with-SHA256 (RFC 5758, 3.2: no parameters). */
const signatureAlgorithm = der.sequence(OID.ecdsaWithSha256);

const version3 = der.encode(der.constructed(0), der.integer(2));

export const encodeTbsCertificate = (profile: CertificateProfile, keys: CertificateKeys): Uint8Array =>
  der.toBytes(
    der.sequence(
      version3,
      der.integer(profile.serial),
      signatureAlgorithm,
      keys.issuerName,
      der.sequence(der.time(profile.notBefore), der.time(profile.notAfter)),
      makeName(profile.subject),
      keys.publicKey,
      der.encode(der.constructed(3), der.sequence(...makeExtensions(profile, keys))),
    ),
  );

/** Certificate: what was signed, and the signature. */
export const encodeCertificate = (tbsCertificate: Uint8Array, signature: Uint8Array): Uint8Array =>
  der.toBytes(der.sequence(tbsCertificate, signatureAlgorithm, der.bitString(signature)));

const makeName = ({ organization, commonName }: CertificateProfile['subject']): der.Value =>
  der.sequence(
    ...(organization === undefined ? [] : [makeAttribute(OID.organizationName, organization)]),
    makeAttribute(OID.commonName, commonName),
  );

const makeAttribute = (type: Uint8Array, value: string): der.Value =>
  der.set(der.sequence(type, der.utf8String(value)));

function makeExtensions(profile: CertificateProfile, keys: CertificateKeys): der.Value[] {
  const { ca, keyUsage, extendedKeyUsage, uriHost, names } = profile;
  return [
    ca === undefined
      ? endEntity
      : extension.critical(OID.basicConstraints, der.sequence(der.boolean(true), der.integer(ca.pathLength))),
    extension.critical(OID.keyUsage, der.namedBits(keyUsage.map((usage) => KEY_USAGE_BIT[usage]))),
    ...(extendedKeyUsage.length === 0
      ? []
      : [extension.plain(OID.extKeyUsage, der.sequence(...extendedKeyUsage.map((usage) => OID[usage])))]),
    ...(uriHost === undefined ? [] : [makeNameConstraints(uriHost)]),
    extension.plain(OID.subjectKeyIdentifier, der.octetString(keys.subjectKeyId)),
    extension.plain(OID.authorityKeyIdentifier, der.sequence(der.encode(der.primitive(0), keys.issuerKeyId))),
    ...(names.length === 0 ? [] : [extension.plain(OID.subjectAltName, der.sequence(...names.map(makeGeneralName)))]),
  ];
}

const extension = {
  plain: (id: Uint8Array, value: der.Value): der.Value => der.sequence(id, der.octetString(value)),
  critical: (id: Uint8Array, value: der.Value): der.Value =>
    der.sequence(id, der.boolean(true), der.octetString(value)),
};

const makeNameConstraints = (uriHost: string): der.Value =>
  extension.critical(
    OID.nameConstraints,
    der.sequence(
      der.encode(der.constructed(0), subtree(GENERAL_NAME.uri, utf8.encode(uriHost))),
      der.encode(der.constructed(1), ...everyServerName),
    ),
  );

const subtree = (kind: number, base: Uint8Array): der.Value => der.sequence(der.encode(der.primitive(kind), base));

/**
 * The empty name is above all others; an address and a mask of zeros contain all addresses of their length. Both
 * families have one tag.
 */
const everyServerName = [
  subtree(GENERAL_NAME.dns, new Uint8Array()),
  ...[4, 16].map((octets) => subtree(GENERAL_NAME.ipv4, new Uint8Array(2 * octets))),
];

/** CA is FALSE by default, so DER leaves it out. */
const endEntity = extension.critical(OID.basicConstraints, der.sequence());

const makeGeneralName = (name: SubjectName): der.Value =>
  der.encode(der.primitive(GENERAL_NAME[name.kind]), encodeNameValue(name));

const encodeNameValue = ({ kind, value }: SubjectName): Uint8Array =>
  kind === 'ipv4' ? Uint8Array.from(value.split('.').map(Number)) : utf8.encode(value);

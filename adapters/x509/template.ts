/** From a profile to the bytes that are signed: TBSCertificate (RFC 5280, 4.1), by the schemas of asn1-x509. */
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as asn1 from '@peculiar/asn1-x509';
import type { CertificateProfile, SubjectName } from '../../core/certificates/profile.ts';
import { OID } from './oids.ts';

/** What a certificate says of keys and issuer, beside its profile. */
export interface CertificateKeys {
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly subjectKeyId: Uint8Array;
  /** DER of the issuer's Name, byte for byte as it stands in its certificate. */
  readonly issuerName: Uint8Array;
  readonly issuerKeyId: Uint8Array;
}

export const signatureAlgorithm = new asn1.AlgorithmIdentifier({ algorithm: OID.ecdsaWithSha256 });

/** The whole of it, by the library alone: some 50 times as slow as `encodeTbsCertificate`, which fills a specimen of these. */
export const serializeTbsCertificate = (profile: CertificateProfile, keys: CertificateKeys): Uint8Array =>
  serialize(
    new asn1.TBSCertificate({
      version: asn1.Version.v3,
      serialNumber: withSign(profile.serial),
      signature: signatureAlgorithm,
      issuer: AsnConvert.parse(keys.issuerName, asn1.Name),
      validity: new asn1.Validity({ notBefore: toDate(profile.notBefore), notAfter: toDate(profile.notAfter) }),
      subject: makeName(profile.subject),
      subjectPublicKeyInfo: AsnConvert.parse(keys.publicKey, asn1.SubjectPublicKeyInfo),
      extensions: new asn1.Extensions(makeExtensions(profile, keys)),
    }),
  );

export const serialize = (value: unknown): Uint8Array => new Uint8Array(AsnConvert.serialize(value));

const toDate = (seconds: number): Date => new Date(seconds * 1000);

const toBuffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

/** A first bit of 1 would mean a negative number. */
const withSign = (serial: Uint8Array): ArrayBuffer =>
  (serial[0] ?? 0) < 0x80 ? toBuffer(serial) : Uint8Array.of(0, ...serial).buffer;

/** DER of Name. */
export const encodeName = (subject: CertificateProfile['subject']): Uint8Array => serialize(makeName(subject));

const makeName = ({ organization, commonName }: CertificateProfile['subject']): asn1.Name =>
  new asn1.Name([
    ...(organization === undefined ? [] : [makeAttribute(OID.organizationName, organization)]),
    makeAttribute(OID.commonName, commonName),
  ]);

const makeAttribute = (type: string, text: string): asn1.RelativeDistinguishedName =>
  new asn1.RelativeDistinguishedName([
    new asn1.AttributeTypeAndValue({ type, value: new asn1.AttributeValue({ utf8String: text }) }),
  ]);

function makeExtensions(profile: CertificateProfile, keys: CertificateKeys): asn1.Extension[] {
  const { ca, keyUsage, extendedKeyUsage, uriHost, names } = profile;
  const usage = keyUsage.reduce((flags, name) => flags | asn1.KeyUsageFlags[name], 0);
  const basic = ca === undefined ? {} : { cA: true, pathLenConstraint: ca.pathLength };
  const authority = { keyIdentifier: new asn1.KeyIdentifier(toBuffer(keys.issuerKeyId)) };
  return [
    critical(OID.basicConstraints, new asn1.BasicConstraints(basic)),
    critical(OID.keyUsage, new asn1.KeyUsage(usage)),
    ...(extendedKeyUsage.length === 0
      ? []
      : [plain(OID.extKeyUsage, new asn1.ExtendedKeyUsage(extendedKeyUsage.map((name) => OID[name])))]),
    ...(uriHost === undefined ? [] : [makeNameConstraints(uriHost)]),
    plain(OID.subjectKeyIdentifier, new asn1.SubjectKeyIdentifier(toBuffer(keys.subjectKeyId))),
    plain(OID.authorityKeyIdentifier, new asn1.AuthorityKeyIdentifier(authority)),
    ...(names.length === 0
      ? []
      : [plain(OID.subjectAltName, new asn1.SubjectAlternativeName(names.map(makeGeneralName)))]),
  ];
}

const plain = (extnID: string, value: unknown): asn1.Extension =>
  new asn1.Extension({ extnID, extnValue: new OctetString(AsnConvert.serialize(value)) });

const critical = (extnID: string, value: unknown): asn1.Extension =>
  new asn1.Extension({ extnID, critical: true, extnValue: new OctetString(AsnConvert.serialize(value)) });

/** The extension (RFC 5280, 4.2.1.10): this host in every URI, and no DNS name and no address of either family. */
export const encodeNameConstraints = (uriHost: string): Uint8Array => serialize(makeNameConstraints(uriHost));

/** The empty name is above all others; an address and a mask of zeros contain all addresses of their length. */
const makeNameConstraints = (uriHost: string): asn1.Extension =>
  critical(
    OID.nameConstraints,
    new asn1.NameConstraints({
      permittedSubtrees: makeSubtrees({ uniformResourceIdentifier: uriHost }),
      excludedSubtrees: makeSubtrees({ dNSName: '' }, { iPAddress: '0.0.0.0/0' }, { iPAddress: '::/0' }),
    }),
  );

const makeSubtrees = (...bases: readonly Partial<asn1.GeneralName>[]): asn1.GeneralSubtrees =>
  new asn1.GeneralSubtrees(bases.map((base) => new asn1.GeneralSubtree({ base: new asn1.GeneralName(base) })));

const nameFields = { uri: 'uniformResourceIdentifier', dns: 'dNSName', ipv4: 'iPAddress' } as const;

const makeGeneralName = ({ kind, value }: SubjectName): asn1.GeneralName =>
  new asn1.GeneralName({ [nameFields[kind]]: value });

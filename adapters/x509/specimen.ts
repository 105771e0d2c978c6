/**
 * Certificates of one shape differ in bytes and never in lengths. So the library encodes two specimens of each shape,
 * in which every byte that a certificate brings of its own differs: where they differ it is filled in.
 */
import { AsnConvert } from '@peculiar/asn1-schema';
import { Certificate, TBSCertificate } from '@peculiar/asn1-x509';
import { maxCertificateShapes } from '../../api/limits/certificates.ts';
import type { CertificateProfile, SubjectName } from '../../core/certificates/profile.ts';
import { serialize, serializeTbsCertificate, signatureAlgorithm, type CertificateKeys } from './template.ts';

interface Shape {
  readonly specimen: Uint8Array;
  /** Where each part begins, in the order of `listParts`. */
  readonly offsets: readonly number[];
}

export function encodeTbsCertificate(profile: CertificateProfile, keys: CertificateKeys): Uint8Array {
  const parts = listParts(profile, keys);
  const shape = recall(shapesOf(keys.issuerName), nameShape(profile, parts), () => makeShape(profile, keys, parts));
  return fill(shape, parts);
}

/** Certificate: what was signed, and the signature. */
export function encodeCertificate(tbsCertificate: Uint8Array, signature: Uint8Array): Uint8Array {
  const parts = [tbsCertificate, signature];
  const name = parts.map(({ length }) => length).join();
  return fill(
    recall(frames, name, () => makeFrame(tbsCertificate, signature)),
    parts,
  );
}

/** In the order in which they stand in a certificate. */
const listParts = (profile: CertificateProfile, keys: CertificateKeys): Uint8Array[] => [
  profile.serial,
  encodeTime(profile.notBefore),
  encodeTime(profile.notAfter),
  utf8.encode(profile.subject.commonName),
  keys.publicKey,
  keys.subjectKeyId,
  keys.issuerKeyId,
  ...profile.names.map(encodeNameValue),
];

const publicKeyIndex = 4;
const utf8 = new TextEncoder();

/** Digits of UTCTime through 2049, of GeneralizedTime from then on (RFC 5280, 4.1.2.5). */
function encodeTime(seconds: number): Uint8Array {
  const digits = new Date(seconds * 1000).toISOString().slice(0, 19).replaceAll(/\D/g, '');
  return utf8.encode(digits < '2050' ? digits.slice(2) : digits);
}

const encodeNameValue = ({ kind, value }: SubjectName): Uint8Array =>
  kind === 'ipv4' ? Uint8Array.from(value.split('.').map(Number)) : utf8.encode(value);

/** All that decides about tags, lengths and what is not filled in, but for the issuer. */
const nameShape = ({ serial, subject, names, ...profile }: CertificateProfile, parts: readonly Uint8Array[]): string =>
  [
    (serial[0] ?? 0) < 0x80,
    subject.organization,
    profile.ca?.pathLength,
    profile.keyUsage,
    profile.extendedKeyUsage,
    profile.uriHost,
    names.map(({ kind }) => kind),
    parts.map(({ length }) => length),
  ].join(';');

function makeShape(profile: CertificateProfile, keys: CertificateKeys, parts: readonly Uint8Array[]): Shape {
  const [specimen, other] = [0, 1].map((which) => {
    const [altered, alteredKeys] = alter(profile, keys, which);
    return serializeTbsCertificate(altered, alteredKeys);
  }) as [Uint8Array, Uint8Array];
  const offsets = findRuns(specimen, other);
  // Both have the key that came first: no other bytes would be sure to be a key.
  offsets.splice(publicKeyIndex, 0, Buffer.from(specimen).indexOf(keys.publicKey));
  const isWhole = offsets.length === parts.length && offsets.every((offset) => offset >= 0);
  if (specimen.length !== other.length || !isWhole) throw new Error('specimen: expected one run for each part');
  return { specimen, offsets };
}

/** The same shape, with bytes that differ from those of the other alteration everywhere. */
function alter(
  profile: CertificateProfile,
  keys: CertificateKeys,
  which: number,
): [CertificateProfile, CertificateKeys] {
  const octets = ({ length }: Uint8Array) => new Uint8Array(length).fill(0x11 * (which + 1));
  const text = (value: string) => 'ab'.charAt(which).repeat(utf8.encode(value).length);
  const sign = (profile.serial[0] ?? 0) & 0x80;
  const time = (seconds: number) => times[encodeTime(seconds).length === 12 ? 'utc' : 'generalized'][which] ?? 0;
  return [
    {
      ...profile,
      serial: octets(profile.serial).map((octet) => octet | sign),
      subject: { ...profile.subject, commonName: text(profile.subject.commonName) },
      notBefore: time(profile.notBefore),
      notAfter: time(profile.notAfter),
      names: profile.names.map(({ kind, value }) => ({
        kind,
        value: kind === 'ipv4' ? (['1.1.1.1', '2.2.2.2'][which] ?? '') : text(value),
      })),
    },
    { ...keys, subjectKeyId: octets(keys.subjectKeyId), issuerKeyId: octets(keys.issuerKeyId) },
  ];
}

/** Two of each form, without a digit in common. */
const times = {
  utc: [Date.UTC(2011, 10, 11, 11, 11, 11) / 1000, Date.UTC(2022, 1, 22, 22, 22, 22) / 1000],
  generalized: [Date.UTC(2111, 10, 11, 11, 11, 11) / 1000, Date.UTC(3222, 1, 22, 22, 22, 22) / 1000],
} as const;

/** Where each run of bytes that differ begins. */
function findRuns(left: Uint8Array, right: Uint8Array): number[] {
  const isOther = (index: number): boolean => left[index] !== right[index];
  return [...left.keys()].filter((index) => isOther(index) && (index === 0 || !isOther(index - 1)));
}

/** What is signed is any of its length here: it is parsed for the library to write it again, and then filled in. */
function makeFrame(tbsCertificate: Uint8Array, signature: Uint8Array): Shape {
  const parsed = AsnConvert.parse(tbsCertificate, TBSCertificate);
  const again = serialize(parsed);
  const signatureValue = Uint8Array.from(signature).buffer;
  const specimen = serialize(new Certificate({ tbsCertificate: parsed, signatureAlgorithm, signatureValue }));
  const offsets = [Buffer.from(specimen).indexOf(again), specimen.length - signature.length];
  if (again.length !== tbsCertificate.length) throw new Error('specimen: expected what is signed at its length');
  return { specimen, offsets };
}

function fill({ specimen, offsets }: Shape, parts: readonly Uint8Array[]): Uint8Array {
  const bytes = specimen.slice();
  for (const [index, part] of parts.entries()) bytes.set(part, offsets[index]);
  return bytes;
}

/** By the issuer's name, which is one object for as long as its certificate is held. */
const shapes = new WeakMap<Uint8Array, Map<string, Shape>>();
const frames = new Map<string, Shape>();

function shapesOf(issuerName: Uint8Array): Map<string, Shape> {
  const known = shapes.get(issuerName) ?? new Map<string, Shape>();
  shapes.set(issuerName, known);
  return known;
}

/** The one that was made first goes first: which lengths clients ask for is theirs to choose. */
function recall(known: Map<string, Shape>, name: string, make: () => Shape): Shape {
  const shape = known.get(name) ?? make();
  known.set(name, shape);
  const [oldest] = known.keys();
  if (known.size > maxCertificateShapes && oldest !== undefined) known.delete(oldest);
  return shape;
}

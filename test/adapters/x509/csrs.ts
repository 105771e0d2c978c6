/** Certification requests as clients make them, and as nobody should. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import * as der from '../../der.ts';
import { objectIdentifier, sequence, set, toBytes } from '../../der.ts';

export interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}
export const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
export const rsa2048 = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const ed25519 = generateKeyPairSync('ed25519');

export const toSpki = ({ publicKey }: Pair): Buffer => publicKey.export({ format: 'der', type: 'spki' });

export type Part = der.Value | Uint8Array;
const ecdsaSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));

/** Each part of a good request of the P-256 key, of which some may be others. */
export interface Parts {
  readonly version: Part;
  readonly subject: Part;
  readonly spki: Part;
  readonly attributes: readonly Part[];
  readonly algorithm: Part;
  readonly makeSignature: (signed: Uint8Array) => Uint8Array;
}

export const good: Parts = {
  version: der.integer(0),
  subject: sequence(set(sequence(objectIdentifier('2.5.4.3'), der.utf8String('me')))),
  spki: toSpki(p256),
  attributes: [],
  algorithm: ecdsaSha256,
  makeSignature: (signed) => sign('sha256', signed, p256.privateKey),
};

export function makeDer(change: Partial<Parts> = {}): Uint8Array {
  const { version, subject, spki, attributes, algorithm, makeSignature } = { ...good, ...change };
  const info = toBytes(sequence(version, subject, spki, der.encode(der.constructed(0), ...attributes)));
  return toBytes(sequence(info, algorithm, der.bitString(makeSignature(info))));
}

export const toPem = (bytes: Uint8Array, label = 'CERTIFICATE REQUEST'): string =>
  `-----BEGIN ${label}-----\n${bytes.toBase64().replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;

export const toAlgorithm = (oid: string, ...parameters: readonly Part[]): Part =>
  sequence(objectIdentifier(oid), ...parameters);
export const NULL = Uint8Array.of(5, 0);

/** The attribute extensionRequest (RFC 2985, 5.4.2) with these extensions. */
export const askFor = (...extensions: readonly Part[]): Part =>
  sequence(objectIdentifier('1.2.840.113549.1.9.14'), set(sequence(...extensions)));

export const extension = (oid: string, value: der.Value, ...critical: readonly Part[]): Part =>
  sequence(objectIdentifier(oid), ...critical, der.octetString(value));

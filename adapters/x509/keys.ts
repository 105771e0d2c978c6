/** P-256 keys as the bytes that certificates and clients take. */
import { createECDH, hash } from 'node:crypto';
import type { SubjectKey } from '../../core/certificates/issued.ts';
import * as der from './der.ts';
import { ENCODED_OID as OID } from './oids.ts';

export interface KeyPair extends SubjectKey {
  /** DER of PrivateKeyInfo, PKCS#8 (RFC 5208) around ECPrivateKey (RFC 5915). */
  readonly privateKey: Uint8Array;
}

/** Of the bits of a public key. */
export const makeKeyId = (bits: Uint8Array): Uint8Array =>
  Uint8Array.fromHex(hash('sha256', bits, 'hex')).subarray(0, 20);

const algorithm = der.sequence(OID.ecPublicKey, OID.prime256v1);
const [zero, one] = [der.integer(0), der.integer(1)];
const privateKeyOctets = 32;

/** One handle for every pair: setting one up costs a third of making a pair. */
const pair = createECDH('prime256v1');

/** OpenSSL makes the pair; its own export to DER costs six times what the making does, so the bytes are laid out here. */
export function generateKeyPair(): KeyPair {
  const point = pair.generateKeys();
  const scalar = new Uint8Array(privateKeyOctets);
  const significant = pair.getPrivateKey();
  scalar.set(significant, privateKeyOctets - significant.length);
  const ecPrivateKey = der.sequence(one, der.octetString(scalar), der.encode(der.constructed(1), der.bitString(point)));
  return {
    publicKey: der.toBytes(der.sequence(algorithm, der.bitString(point))),
    privateKey: der.toBytes(der.sequence(zero, algorithm, der.octetString(ecPrivateKey))),
    keyId: makeKeyId(point),
  };
}

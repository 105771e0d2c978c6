/** P-256 keys as the bytes that certificates and clients take. */
import { createECDH, hash } from 'node:crypto';
import * as der from './der.ts';
import { ENCODED_OID as OID } from './oids.ts';

export interface KeyPair {
  /** DER of SubjectPublicKeyInfo (RFC 5480). */
  readonly publicKey: Uint8Array;
  /** DER of PrivateKeyInfo, PKCS#8 (RFC 5208) around ECPrivateKey (RFC 5915). */
  readonly privateKey: Uint8Array;
  /** Leftmost 160 bits of the SHA-256 of the public key's bits (RFC 7093, 2, method 1). */
  readonly keyId: Uint8Array;
}

const algorithm = der.sequence(OID.ecPublicKey, OID.prime256v1);
const privateKeyOctets = 32;

/** One handle for every pair: setting one up costs a third of making a pair. */
const pair = createECDH('prime256v1');

/** OpenSSL makes the pair; its own export to DER costs six times what the making does, so the bytes are laid out here. */
export function generateKeyPair(): KeyPair {
  const point = pair.generateKeys();
  const scalar = new Uint8Array(privateKeyOctets);
  const significant = pair.getPrivateKey();
  scalar.set(significant, privateKeyOctets - significant.length);
  const ecPrivateKey = der.sequence(
    der.integer(1),
    der.octetString(scalar),
    der.encode(der.constructed(1), der.bitString(point)),
  );
  return {
    publicKey: der.sequence(algorithm, der.bitString(point)),
    privateKey: der.sequence(der.integer(0), algorithm, der.octetString(ecPrivateKey)),
    keyId: Uint8Array.fromHex(hash('sha256', point, 'hex')).subarray(0, 20),
  };
}

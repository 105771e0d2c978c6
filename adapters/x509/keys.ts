/** P-256 keys as the bytes that certificates and clients take. */
import { createECDH, generateKeyPairSync, hash } from 'node:crypto';
import type { SubjectKey } from '../../core/certificates/issued.ts';

export interface KeyPair extends SubjectKey {
  /** DER of PrivateKeyInfo, PKCS#8 (RFC 5208) around ECPrivateKey (RFC 5915). */
  readonly privateKey: Uint8Array;
}

/** Of the bits of a public key. */
export const makeKeyId = (bits: Uint8Array): Uint8Array =>
  Uint8Array.fromHex(hash('sha256', bits, 'hex')).subarray(0, 20);

/** One handle for every pair: setting one up costs a third of making a pair. */
const pair = createECDH('prime256v1');

const privateKeyOctets = 32;

/** OpenSSL makes the pair; its export costs six times what the making does, so one export is filled in each time. */
export function generateKeyPair(): KeyPair {
  const point = pair.generateKeys();
  const significant = pair.getPrivateKey();
  const scalar = new Uint8Array(privateKeyOctets);
  scalar.set(significant, privateKeyOctets - significant.length);
  const privateKey = specimen.privateKey.slice();
  privateKey.set(scalar, specimen.scalarOffset);
  privateKey.set(point, privateKey.length - point.length);
  const publicKey = specimen.publicKey.slice();
  publicKey.set(point, publicKey.length - point.length);
  return { publicKey, privateKey, keyId: makeKeyId(point) };
}

const specimen = exportSpecimen();

/** In both forms the point is what stands last. */
function exportSpecimen() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  const scalar = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
  return {
    publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
    privateKey: new Uint8Array(der),
    scalarOffset: der.indexOf(scalar),
  };
}

/** A certification request (PKCS#10, RFC 2986) that says nothing but its key: the signer decides what is certified. */
import { createPrivateKey, sign } from 'node:crypto';
import * as der from './der.ts';
import type { KeyPair } from './keys.ts';
import { toPem } from './pem.ts';
import { signatureAlgorithm } from './template.ts';

/** PEM. */
export function makeCsr({ publicKey, privateKey }: KeyPair): string {
  const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
  const info = der.toBytes(der.sequence(der.integer(0), der.sequence(), publicKey, der.encode(der.constructed(0))));
  const request = der.sequence(info, signatureAlgorithm, der.bitString(sign('sha256', info, key)));
  return toPem('CERTIFICATE REQUEST', der.toBytes(request));
}

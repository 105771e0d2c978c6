/** Certification requests (PKCS#10) of keys made for them. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { OID } from '../adapters/x509/oids.ts';
import * as der from '../test/der.ts';

export type CsrKind = 'P-256' | 'RSA 2048';

/** PEM. */
export function makeCsr(kind: CsrKind): string {
  const { publicKey, privateKey } = makePair(kind);
  const info = der.toBytes(
    der.sequence(
      der.integer(0),
      der.sequence(),
      publicKey.export({ format: 'der', type: 'spki' }),
      der.encode(der.constructed(0)),
    ),
  );
  const algorithm =
    kind === 'P-256'
      ? der.sequence(der.objectIdentifier(OID.ecdsaWithSha256))
      : der.sequence(der.objectIdentifier(OID.sha256WithRsa), Uint8Array.of(5, 0));
  const request = der.sequence(info, algorithm, der.bitString(sign('sha256', info, privateKey)));
  const lines =
    der
      .toBytes(request)
      .toBase64()
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

const makePair = (kind: CsrKind): { publicKey: KeyObject; privateKey: KeyObject } =>
  kind === 'P-256'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 });

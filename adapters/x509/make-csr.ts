/** A certification request (PKCS#10, RFC 2986) that says nothing but its key: the signer decides what is certified. */
import { Attributes, CertificationRequest, CertificationRequestInfo } from '@peculiar/asn1-csr';
import { AsnConvert } from '@peculiar/asn1-schema';
import { Name, SubjectPublicKeyInfo } from '@peculiar/asn1-x509';
import { createPrivateKey, sign } from 'node:crypto';
import type { KeyPair } from './keys.ts';
import { toPem } from './pem.ts';
import { serialize, signatureAlgorithm } from './template.ts';

/** PEM. */
export function makeCsr({ publicKey, privateKey }: KeyPair): string {
  const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
  const certificationRequestInfo = new CertificationRequestInfo({
    subject: new Name(),
    subjectPKInfo: AsnConvert.parse(publicKey, SubjectPublicKeyInfo),
    attributes: new Attributes(),
  });
  const signature = Uint8Array.from(sign('sha256', serialize(certificationRequestInfo), key)).buffer;
  return toPem(
    'CERTIFICATE REQUEST',
    serialize(new CertificationRequest({ certificationRequestInfo, signatureAlgorithm, signature })),
  );
}

/** A certificate as a person wants to know it. */
import { X509Certificate } from 'node:crypto';
import type { CertificateFacts } from '../../core/authority/show.ts';

/** @throws {Error} for what is no certificate in PEM. */
export function describeCertificate(pem: string): CertificateFacts {
  const { subject, serialNumber, fingerprint256, validFromDate, validToDate } = new X509Certificate(pem);
  return {
    subject,
    serial: serialNumber,
    sha256: fingerprint256.replaceAll(':', '').toLowerCase(),
    notBefore: validFromDate.getTime() / 1000,
    notAfter: validToDate.getTime() / 1000,
  };
}

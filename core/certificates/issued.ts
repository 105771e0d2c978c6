/** What is asked of an issuer of client certificates, and what it gives. */
import type { PoolIdentity } from './profile.ts';

export interface IssueRequest {
  readonly principal: string;
  readonly pools: readonly PoolIdentity[];
  readonly ttlSeconds: number;
}

export interface IssuedCertificate {
  /** PEM, as are the other two. */
  readonly caCert: string;
  readonly clientCert: string;
  readonly clientKey: string;
  /** Upper-case hexadecimal, as OpenSSL prints it. */
  readonly serial: string;
  readonly subjectKeyId: string;
  /** Seconds since the epoch. */
  readonly notAfter: number;
}

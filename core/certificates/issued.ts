/** What is asked of an issuer of client certificates, and what it gives. */
import type { PoolIdentity } from './client-uris.ts';

/** A key that somebody proved to have. */
export interface SubjectKey {
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** Leftmost 160 bits of the SHA-256 of the public key's bits (RFC 7093, 2, method 1). */
  readonly keyId: Uint8Array;
}

/** Why a certification request is refused. */
export interface CsrFault {
  readonly expected: string;
  readonly got: string;
}

export interface IssueRequest {
  /** Username of the principal. */
  readonly principal: string;
  /** Of the principal, see `trustDomainOf`. */
  readonly trustDomain: string;
  readonly pools: readonly PoolIdentity[];
  readonly ttlSeconds: number;
  /** Milliseconds since the epoch: not after anything that speaks for issuing was read. */
  readonly issuedAtMs: number;
  /** Absent: a pair is made. */
  readonly subjectKey?: SubjectKey | undefined;
}

/** `issuer_key`: the key is that of a CA. */
export type IssueFault = 'issuer_key';

export interface IssuedCertificate {
  /** PEM, as are the other two. */
  readonly caCert: string;
  readonly clientCert: string;
  /** Where it was made here. */
  readonly clientKey?: string;
  /** Upper-case hexadecimal, as OpenSSL prints it. */
  readonly serial: string;
  readonly subjectKeyId: string;
  /** Seconds since the epoch. */
  readonly notAfter: number;
}

/** Whether a client's certificate counts for a pool now: `allocation` does not take a gateway's word for it. No I/O. */
import { certificateBackdateSeconds } from '../../api/limits/certificates.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { isRevoked } from '../access/revocation.ts';
import { parseClientUris } from '../certificates/client-uris.ts';
import { formatPoolKey } from '../pool-reference.ts';
import { err, ok, type Result } from '../result.ts';

/** A certificate that the client CA of this cluster signed, as it reads. */
export interface ShownCertificate {
  readonly uris: readonly string[];
  /** Seconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SHA-256 of its DER, lower-case hexadecimal. */
  readonly fingerprint: string;
}

export interface CertifiedClient {
  readonly principal: string;
  /** SHA-256 of the trust domain, hexadecimal. */
  readonly domainHash: string;
  readonly issuedAtMs: number;
  readonly fingerprint: string;
}

export interface CertificateRefusal {
  readonly code: 'certificate_refused' | 'pool_forbidden';
  readonly detail: string;
}

export function judgeCertificate(
  { uris, notBefore, notAfter, fingerprint }: ShownCertificate,
  { pool, clusterFqdn, now }: { readonly pool: Pool; readonly clusterFqdn: string; readonly now: Date },
): Result<CertifiedClient, CertificateRefusal> {
  const nowSeconds = now.getTime() / 1000;
  if (nowSeconds >= notAfter) return refuse(`certificate: expired at ${formatTime(notAfter)}; ask for a new one`);
  if (nowSeconds < notBefore) return refuse(`certificate: not valid before ${formatTime(notBefore)}`);
  const parsed = parseClientUris(clusterFqdn, uris);
  if (!parsed.ok) return refuse(`certificate: expected the pools it opens and whose it is, got ${parsed.error}`);
  const { pools, principal, domainHash } = parsed.value;
  const named = pools.filter(
    ({ namespace, name }) => namespace === pool.metadata.namespace && name === pool.metadata.name,
  );
  if (named.length === 0) return refuse(`certificate: does not name BuildKitPool "${formatPoolKey(pool.metadata)}"`);
  if (!named.some(({ uid }) => uid === pool.metadata.uid)) {
    return refuse(`certificate: BuildKitPool "${formatPoolKey(pool.metadata)}" was made anew since; ask for a new one`);
  }
  const issuedAtMs = (notBefore + certificateBackdateSeconds) * 1000;
  if (isRevoked(pool.spec.access, { principal, issuedAtMs })) {
    return err({ code: 'pool_forbidden', detail: 'the certificate was revoked by the owner of the pool' });
  }
  return ok({ principal, domainHash, issuedAtMs, fingerprint });
}

const refuse = (detail: string) => err({ code: 'certificate_refused' as const, detail });

const formatTime = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

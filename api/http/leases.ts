/**
 * What a gateway asks of `allocation`, with a Pod-bound token of our audience.
 *
 * POST /allocation/leases: 200 a worker to connect to, 202 one is being made (ask again), or a problem that the client
 * is told. POST /allocation/leases/renew: the leases that have connections; 200 with those that are over.
 */
import * as z from 'zod';
import { poolName } from '../fields.ts';

export const LEASES_PATH = '/allocation/leases';
export const RENEW_PATH = '/allocation/leases/renew';

/** Longest certificate that is read, DER in base64: 16 pools with the longest names take a third of it. */
const maxCertificateLength = 16_384;
const maxRenewedLeases = 1000;

/** First 32 hexadecimal digits of the SHA-256 of the client's certificate, and a number from its second lease on. */
export const leaseId = z.string().regex(/^[0-9a-f]{32}(-[1-9][0-9]{0,3})?$/);

export const leaseRequest = z.strictObject({
  pool: poolName('Pool of the gateway, in the namespace of its Pod.'),
  certificate: z.base64().max(maxCertificateLength).describe('What the client showed, DER.'),
  issuer: z
    .base64()
    .max(maxCertificateLength)
    .optional()
    .describe('The CA that signed it, as the client showed it, DER; the one that signs now when absent.'),
  /** Leases of this certificate that have connections in this gateway: where the pool bounds them, one more is another. */
  open: z.array(z.strictObject({ lease: leaseId, connections: z.int32().min(1) })).max(maxRenewedLeases),
});
export type LeaseRequest = z.infer<typeof leaseRequest>;

/** A worker that holds a lease: where it is, and the URI SAN that it must show there. */
export const leasedWorker = z.object({
  name: z.string(),
  namespace: z.string(),
  /** `<ip>:1234` */
  address: z.string(),
  /** `buildkit://<cluster-fqdn>/ns/<ns>/worker/<name>/uid/<uid of the BuildKitWorker>` */
  identity: z.string(),
});
export type LeasedWorker = z.infer<typeof leasedWorker>;

/** 200 */
export const grantedLease = z.object({ lease: leaseId, worker: leasedWorker });
/** 202: the worker is not ready. The message is for a person who waits. */
export const pendingLease = z.object({ lease: leaseId, reason: z.string(), message: z.string() });
export type GrantedLease = z.infer<typeof grantedLease>;
export type PendingLease = z.infer<typeof pendingLease>;

export const renewRequest = z.strictObject({
  pool: poolName('Pool of the gateway, in the namespace of its Pod.'),
  leases: z.array(leaseId).max(maxRenewedLeases),
});
export type RenewRequest = z.infer<typeof renewRequest>;

/** The connections of these leases end: `reason` is what their clients are told. */
export const renewAnswer = z.object({ ended: z.array(z.object({ lease: leaseId, reason: z.string() })) });
export type RenewAnswer = z.infer<typeof renewAnswer>;

/**
 * The one decision about who is let in. Closed: what is not known to be good is refused. No I/O. No clock.
 */
import { certificateBackdateSeconds } from '../../api/limits/certificates.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { isRevoked, type Holder } from '../access/revocation.ts';
import { parseClientUris } from '../certificates/client-uris.ts';
import { formatPoolKey, type PoolKey } from '../pool-reference.ts';
import { err, ok, type Result } from '../result.ts';
import type { Refusal, RefusalReason } from './refusal.ts';

/** What a handshake says of a client. */
export interface ShownCertificate {
  /** Whether it was issued by the client CA and is valid now, by the word of the TLS library. */
  readonly isVerified: boolean;
  /** That library's code where it is not. */
  readonly fault: string | undefined;
  readonly uris: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBeforeMs: number;
}

export interface GatewayPool {
  readonly clusterFqdn: string;
  readonly pool: WatchedPool;
}

/** What a gateway reads of its pool. */
export interface WatchedPool {
  readonly metadata: PoolKey & { readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: Pick<Pool['spec'], 'access' | 'workers'>;
}

/** Who was let in: enough to ask again later whether that still holds. */
export type GatewayClient = Holder;

export function checkClient(
  shown: ShownCertificate | undefined,
  { clusterFqdn, pool }: GatewayPool,
): Result<GatewayClient, Refusal> {
  if (shown === undefined) return refuse('no_certificate', noCertificate);
  if (!shown.isVerified) return err(describeFault(shown.fault ?? 'not verified'));
  const identity = parseClientUris(clusterFqdn, shown.uris);
  if (!identity.ok) return refuse('bad_certificate', `certificate refused: ${uriFaults[identity.error]}`);
  const { principal, pools } = identity.value;
  const issuedAtMs = shown.notBeforeMs + certificateBackdateSeconds * 1000;
  const { namespace, name, uid } = pool.metadata;
  const namesakes = pools.filter((one) => one.namespace === namespace && one.name === name);
  const key = formatPoolKey(pool.metadata);
  if (namesakes.length === 0) return refuse('other_pool', `certificate is not for BuildKitPool "${key}"`);
  if (!namesakes.some((one) => one.uid === uid)) return refuse('pool_recreated', `BuildKitPool "${key}" was ${anew}`);
  const client = { principal, issuedAtMs };
  const refusal = checkStill(client, pool);
  return refusal === undefined ? ok(client) : err(refusal);
}

/** Asked again of every open connection when the pool changes. Undefined where the client may stay. */
export function checkStill(client: GatewayClient, pool: WatchedPool): Refusal | undefined {
  const key = formatPoolKey(pool.metadata);
  if (pool.metadata.deletionTimestamp !== undefined) {
    return { reason: 'pool_deleted', message: `BuildKitPool "${key}" is being deleted` };
  }
  return isRevoked(pool.spec.access, client)
    ? { reason: 'revoked', message: `certificate was revoked for BuildKitPool "${key}": request a new one` }
    : undefined;
}

const refuse = (reason: RefusalReason, message: string): Result<never, Refusal> => err({ reason, message });

const noCertificate =
  'no client certificate: show the one that the API issued, whole, with the CA that follows it in the file';
const anew = 'created anew after the certificate was issued: request a new one';

const uriFaults = {
  unknown_uri: 'it names something that is no pool of this cluster',
  no_pool: 'it names no pool',
  too_many_pools: 'it names too many pools',
  repeated_pool: 'it names a pool twice',
  no_principal: 'it was not issued to a client of this cluster',
} as const;

/** Codes of OpenSSL (`X509_V_ERR_`), as Node shows them. */
function describeFault(fault: string): Refusal {
  if (fault === 'CERT_HAS_EXPIRED') {
    return { reason: 'expired', message: 'certificate refused: it has expired: request a new one' };
  }
  if (fault === 'CERT_NOT_YET_VALID') {
    return { reason: 'not_yet_valid', message: 'certificate refused: it is not valid yet: check the clocks' };
  }
  return {
    reason: 'bad_certificate',
    message: `certificate refused: not issued by this cluster's client CA (${fault})`,
  };
}

export interface OpenConnections {
  readonly all: number;
  /** Of the client that asks for one more. */
  readonly ofPrincipal: number;
}

/** Undefined where one more connection fits. */
export function checkCapacity(open: OpenConnections, maxConnections: number, pool: WatchedPool): Refusal | undefined {
  const perPrincipal = pool.spec.access?.clients?.limits?.connections;
  if (perPrincipal !== undefined && open.ofPrincipal >= perPrincipal) {
    const limit = 'spec.access.clients.limits.connections';
    return { reason: 'too_many_connections', message: `${limit}: expected <= ${perPrincipal} connections of a client` };
  }
  return open.all >= maxConnections
    ? { reason: 'exhausted', message: `gateway: expected <= ${maxConnections} connections: try again later` }
    : undefined;
}

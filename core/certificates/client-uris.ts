/**
 * The URI SANs of a client certificate: the pools it opens, then whose it is. A gateway decides by them alone, since the
 * subject of a certificate is only a label. No I/O.
 */
import { maxPoolsPerCertificate } from '../../api/limits/certificates.ts';
import { maxPrincipalLength } from '../../api/limits/fields.ts';
import type { PoolKey } from '../pool-reference.ts';
import { err, ok, type Result } from '../result.ts';

/** A pool as it is: the UID tells it from one that had the same name. */
export interface PoolIdentity extends PoolKey {
  readonly uid: string;
}

export interface ClientIdentity {
  readonly pools: readonly PoolIdentity[];
  /** Username, as `access.revokedPrincipals` writes it: rules, grants and reviews are evaluated again while it builds. */
  readonly principal: string;
  /**
   * SHA-256 of the trust domain, see `trustDomainOf`, lower-case hexadecimal: builds of two domains never share a worker.
   */
  readonly domainHash: string;
}

export type ClientUriFault =
  /** Of another cluster, or in no form that is known here. */
  'unknown_uri' | 'no_pool' | 'too_many_pools' | 'repeated_pool' | 'no_principal';

/** `buildkit://<cluster-fqdn>/ns/<namespace>/pool/<name>/uid/<uid>` */
export const formatPoolUri = (clusterFqdn: string, { namespace, name, uid }: PoolIdentity): string =>
  `buildkit://${clusterFqdn}/ns/${namespace}/pool/${name}/uid/${uid}`;

/** `buildkit://<cluster-fqdn>/principal/<percent-encoded name>/domain/<hash>`. @throws {URIError} for a lone surrogate. */
export const formatPrincipalUri = (
  clusterFqdn: string,
  { principal, domainHash }: Pick<ClientIdentity, 'principal' | 'domainHash'>,
): string => `buildkit://${clusterFqdn}/principal/${encodeURIComponent(principal)}/domain/${domainHash}`;

/** In the order in which `parseClientUris` expects them. */
export const formatClientUris = (clusterFqdn: string, identity: ClientIdentity): string[] => [
  ...identity.pools.map((pool) => formatPoolUri(clusterFqdn, pool)),
  formatPrincipalUri(clusterFqdn, identity),
];

/** Exactly what `formatClientUris` makes: what says more, less or the same in another way is refused whole. */
export function parseClientUris(clusterFqdn: string, uris: readonly string[]): Result<ClientIdentity, ClientUriFault> {
  const principal = parsePrincipalUri(clusterFqdn, uris.at(-1) ?? '');
  if (principal === undefined) return err('no_principal');
  const poolUris = uris.slice(0, -1);
  if (poolUris.length === 0) return err('no_pool');
  if (poolUris.length > maxPoolsPerCertificate) return err('too_many_pools');
  if (new Set(poolUris).size < poolUris.length) return err('repeated_pool');
  const pools = poolUris.map((uri) => parsePoolUri(clusterFqdn, uri)).filter((pool) => pool !== undefined);
  return pools.length < poolUris.length ? err('unknown_uri') : ok({ pools, ...principal });
}

/**
 * Whether one of these URI SANs names just this pool of this cluster: the same namespace, name and UID, byte for byte. A
 * pool that was made anew under its old name is another.
 */
export const opensPool = (uris: readonly string[], clusterFqdn: string, pool: PoolIdentity): boolean =>
  uris.includes(formatPoolUri(clusterFqdn, pool));

/** RFC 1123 label, RFC 1035 label of at most 52 characters, UID as the apiserver makes it. */
const poolPath =
  /^\/ns\/(?<namespace>[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)\/pool\/(?<name>[a-z](?:[-a-z0-9]{0,50}[a-z0-9])?)\/uid\/(?<uid>[-0-9A-Za-z]{1,64})$/;

function parsePoolUri(clusterFqdn: string, uri: string): PoolIdentity | undefined {
  const { namespace, name, uid } = poolPath.exec(pathOf(clusterFqdn, uri))?.groups ?? {};
  return namespace === undefined || name === undefined || uid === undefined ? undefined : { namespace, name, uid };
}

const principalPath = /^\/principal\/(?<encoded>[^/]+)\/domain\/(?<domainHash>[0-9a-f]{64})$/;

function parsePrincipalUri(clusterFqdn: string, uri: string): Omit<ClientIdentity, 'pools'> | undefined {
  const { encoded, domainHash } = principalPath.exec(pathOf(clusterFqdn, uri))?.groups ?? {};
  if (encoded === undefined || domainHash === undefined) return undefined;
  const principal = decodePrincipal(encoded);
  return principal === undefined ? undefined : { principal, domainHash };
}

/** One spelling for each name: what `encodeURIComponent` writes, of a name that can be revoked. */
function decodePrincipal(encoded: string): string | undefined {
  try {
    const principal = decodeURIComponent(encoded);
    return principal.length <= maxPrincipalLength && encodeURIComponent(principal) === encoded ? principal : undefined;
  } catch {
    return undefined;
  }
}

/** Empty where the URI is not of this cluster. */
function pathOf(clusterFqdn: string, uri: string): string {
  const origin = `buildkit://${clusterFqdn}`;
  return uri.startsWith(`${origin}/`) ? uri.slice(origin.length) : '';
}

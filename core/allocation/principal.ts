/**
 * Who a certificate is of, as rules, grants and reviews know them: what its name and its trust domain say together.
 * The domain proves who vouched: the UID in it is that of the config which has the name in the principal. No I/O.
 */
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { OIDC_PREFIX, namespaceOf, trustDomainOf, type Principal, type Voucher } from '../principal.ts';

export interface PrincipalPorts {
  /** Undefined where there is none. */
  readonly getOidcConfig: (key: {
    readonly namespace: string;
    readonly name: string;
  }) => Promise<OidcConfig | undefined>;
  /** SHA-256, lower-case hexadecimal. */
  readonly sha256: (text: string) => string;
}

export interface NamedPrincipal {
  readonly principal: string;
  /** See `Claim`. */
  readonly domain: string;
}

/** Undefined where nobody vouches for it any more: the config is gone, was switched off or was made anew. */
export async function findPrincipal(
  { principal: username, domain }: NamedPrincipal,
  pool: Pool,
  ports: PrincipalPorts,
): Promise<Principal | undefined> {
  const principal = username.startsWith(OIDC_PREFIX)
    ? await findVouched(username, pool, ports)
    : { user: { username, groups: groupsOf(username) } };
  if (principal === undefined || shortDomain(ports.sha256(trustDomainOf(principal))) !== domain) return undefined;
  return principal;
}

/** What fits the value of a label, 128 bits of the hash. */
export const shortDomain = (domainHash: string): string => domainHash.slice(0, 32);

/** As the apiserver gives them to every ServiceAccount. Of other users nothing is known but that they were let in. */
function groupsOf(username: string): string[] {
  const namespace = namespaceOf({ user: { username } });
  const own = namespace === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  return [...own, 'system:authenticated'];
}

/** Neither part before the value can hold a colon. */
const oidcName = /^oidc:(?<namespace>[^/:]+)\/(?<name>[^/:]+)(?<inline>\/inline)?:(?<value>.+)$/su;

async function findVouched(username: string, pool: Pool, ports: PrincipalPorts): Promise<Principal | undefined> {
  const { namespace, name, inline, value } = oidcName.exec(username)?.groups ?? {};
  if (namespace === undefined || name === undefined || value === undefined) return undefined;
  const key = { namespace, name };
  const by = inline === undefined ? await findConfig(key, ports) : findInline(key, pool);
  // Its token was for this pool, or the certificate would not name it.
  return by === undefined ? undefined : { user: { username }, vouched: { by, value } };
}

async function findConfig(
  key: { readonly namespace: string; readonly name: string },
  { getOidcConfig }: PrincipalPorts,
): Promise<Voucher | undefined> {
  const config = await getOidcConfig(key);
  if (config === undefined || config.spec.enabled === false || config.metadata.deletionTimestamp !== undefined)
    return undefined;
  return { kind: 'config', ...key, uid: config.metadata.uid };
}

function findInline(key: { readonly namespace: string; readonly name: string }, pool: Pool): Voucher | undefined {
  const isOwn = key.namespace === pool.metadata.namespace && key.name === pool.metadata.name;
  const isNamed = (pool.spec.access?.oidc?.inline ?? []).length > 0;
  return isOwn && isNamed ? { kind: 'inline', pool: key, uid: pool.metadata.uid } : undefined;
}

/** Who is let in or not: one name for the audit log, for rules, reviews and revocations. No I/O. */
import type { UserInfo } from '../api/review.ts';
import type { PoolKey } from './pool-reference.ts';

export interface Principal {
  /** Its `username` is the principal's name. */
  readonly user: UserInfo;
  /** Of those whom an OIDC issuer vouches for. */
  readonly vouched?: Vouched;
  /** `sha256:` and the hash of the token's own name (`jti`); absent where it has none. */
  readonly tokenId?: string;
}

/** What one config says of a token, and no other config added to. */
export interface Vouched {
  readonly by: Voucher;
  /** What the issuer calls the user: the name without what says where it comes from. */
  readonly value: string;
  /** Patterns of the pools that the token is for, where its config says that tokens name them. */
  readonly pools?: readonly string[];
}

/** A config of its own, or an issuer that a pool names for itself. */
export type Voucher =
  | { readonly kind: 'config'; readonly namespace: string; readonly name: string; readonly uid: string }
  | { readonly kind: 'inline'; readonly pool: PoolKey; readonly uid: string };

/**
 * `oidc:<namespace>/<config>:<value>`; `oidc:<namespace>/<pool>/inline:<value>` where the pool itself names the issuer.
 * Neither part before the value can hold a colon, and no config can be called like an inline issuer.
 */
export const formatOidcName = (by: Voucher, value: string): string => `${OIDC_PREFIX}${formatVoucher(by)}:${value}`;

export const OIDC_PREFIX = 'oidc:';

/** `<namespace>/<config>` or `<namespace>/<pool>/inline` */
export const formatVoucher = (by: Voucher): string =>
  by.kind === 'config' ? `${by.namespace}/${by.name}` : `${by.pool.namespace}/${by.pool.name}/inline`;

const serviceAccount = /^system:serviceaccount:([^:]+):[^:]+$/;

/** The namespace of a ServiceAccount; undefined for every other principal. */
export const namespaceOf = ({ user, vouched }: Principal): string | undefined =>
  vouched === undefined ? serviceAccount.exec(user.username)?.[1] : undefined;

/**
 * Whose builds may share a worker: `ns/<namespace>` for a ServiceAccount, `oidc/<uid>/<username>` for whom an issuer
 * vouches for, with the UID of the config or, where a pool names the issuer, of the pool, and `user/<username>` for
 * every other user of the cluster. No domain of one kind reads like one of another.
 */
export function trustDomainOf(principal: Principal): string {
  const { user, vouched } = principal;
  if (vouched !== undefined) return `oidc/${vouched.by.uid}/${user.username}`;
  const namespace = namespaceOf(principal);
  return namespace === undefined ? `user/${user.username}` : `ns/${namespace}`;
}

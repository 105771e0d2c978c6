/** All issuers that count, and which pools trust them, as the last list shows. No I/O. */
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { formatPoolKey, type PoolKey } from '../pool-reference.ts';
import type { JsonObject } from '../json.ts';
import { isAddressed } from './evaluate.ts';
import { isTrusted } from './trust.ts';
import { listConfigIssuers, listInlineIssuers, type IssuerPolicy, type TrustedIssuer } from './trusted-issuer.ts';

export interface Directory {
  /** Issuers that such a token may be of: configs, the oldest first, then those that pools name themselves. */
  readonly findAddressed: (claims: JsonObject) => readonly TrustedIssuer[];
  /** Whether every one of the pools trusts the issuer. The pools themselves have the last word. */
  readonly isTrustedBy: (pools: readonly PoolKey[], issuer: TrustedIssuer) => boolean;
}

export function makeDirectory(configs: readonly OidcConfig[], pools: readonly Pool[], policy: IssuerPolicy): Directory {
  const issuers = [...listConfigIssuers(configs, policy), ...pools.flatMap((pool) => listInlineIssuers(pool, policy))];
  const byIssuer = Map.groupBy(issuers, ({ terms }) => terms.issuer);
  const byPool = new Map(pools.map((pool) => [formatPoolKey(pool.metadata), pool]));
  return {
    findAddressed: (claims) => {
      const { iss } = claims;
      const named = typeof iss === 'string' ? (byIssuer.get(iss) ?? []) : [];
      return named.filter(({ terms }) => isAddressed(claims, terms));
    },
    isTrustedBy: (keys, { by }) => keys.every((key) => isTrusted(key, byPool.get(formatPoolKey(key)), by)),
  };
}

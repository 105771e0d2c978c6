/**
 * Whose word may count: OIDC configs and the issuers that pools name themselves, in one form, and which of them count at
 * all. No I/O.
 */
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import type { ObjectMeta } from '../../api/fields.ts';
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Voucher } from '../principal.ts';
import { isOpenToStrangers, isPublicUrl, type ClaimedIssuer } from './issuer.ts';

/** What both forms say alike. */
export interface IssuerTerms extends ClaimedIssuer {
  readonly claimsMapping?: { readonly user?: string | undefined; readonly pools?: string | undefined } | undefined;
}

export interface TrustedIssuer {
  /** Another one after every change: what is remembered by it never outlives what it was true for. */
  readonly id: string;
  readonly by: Voucher;
  readonly terms: IssuerTerms;
  /** Whether it may be reached without TLS and in a private network. */
  readonly mayBePrivate: boolean;
}

export interface IssuerPolicy {
  /** Issuer of the cluster's own ServiceAccounts. */
  readonly clusterIssuer: string;
  /** Whether configs in the controller's namespace may name private issuers. */
  readonly isPrivateAllowed: boolean;
}

/** Why the tokens of an issuer count nowhere, whatever it signs. */
export type IssuerFault = 'cluster_issuer' | 'unbound_issuer' | 'insecure_issuer';

/** Admission refuses most of these, but an object may be older than the rule, or have come past it. */
export function judgeTerms(
  terms: IssuerTerms,
  namespace: string,
  { clusterIssuer, isPrivateAllowed }: IssuerPolicy,
): IssuerFault | undefined {
  if (terms.issuer === clusterIssuer) return 'cluster_issuer';
  if (isOpenToStrangers(terms)) return 'unbound_issuer';
  return isPublicUrl(terms.issuer) || mayBePrivate(namespace, isPrivateAllowed) ? undefined : 'insecure_issuer';
}

const mayBePrivate = (namespace: string, isPrivateAllowed: boolean): boolean =>
  isPrivateAllowed && namespace === SYSTEM_NAMESPACE;

export const makeConfigIssuer = ({ metadata, spec }: OidcConfig, policy: IssuerPolicy): TrustedIssuer => ({
  id: `${metadata.uid}/${metadata.generation ?? 0}`,
  by: { kind: 'config', namespace: metadata.namespace, name: metadata.name, uid: metadata.uid },
  terms: spec,
  mayBePrivate: mayBePrivate(metadata.namespace, policy.isPrivateAllowed),
});

/** The issuers a pool names for itself that count. */
export function listInlineIssuers({ metadata, spec }: Pool, policy: IssuerPolicy): readonly TrustedIssuer[] {
  const { namespace, name, uid, generation = 0 } = metadata;
  return (spec.access?.oidc?.inline ?? []).flatMap((terms, index) =>
    judgeTerms(terms, namespace, policy) === undefined
      ? [
          {
            id: `${uid}/${generation}/${index}`,
            by: { kind: 'inline', pool: { namespace, name }, uid },
            terms,
            mayBePrivate: mayBePrivate(namespace, policy.isPrivateAllowed),
          },
        ]
      : [],
  );
}

/** The configs that count, the oldest first: enabled, without fault, and no later twin of another one. */
export const listConfigIssuers = (configs: readonly OidcConfig[], policy: IssuerPolicy): readonly TrustedIssuer[] => {
  const originals = findOriginals(configs);
  return configs
    .filter(({ metadata, spec }) => {
      const isLive = spec.enabled !== false && metadata.deletionTimestamp === undefined;
      const isOriginal = originals.get(twinKey(metadata.namespace, spec))?.metadata.uid === metadata.uid;
      return isLive && isOriginal && judgeTerms(spec, metadata.namespace, policy) === undefined;
    })
    .toSorted((left, right) => compareAge(left.metadata, right.metadata))
    .map((config) => makeConfigIssuer(config, policy));
};

/**
 * Of several configs of a namespace with one issuer and audience the oldest, which alone counts. One that is switched
 * off still is the oldest: switching it off must not make another one count.
 */
export function findOriginals(configs: readonly OidcConfig[]): ReadonlyMap<string, OidcConfig> {
  const originals = new Map<string, OidcConfig>();
  for (const config of configs) {
    const key = twinKey(config.metadata.namespace, config.spec);
    const known = originals.get(key);
    if (known === undefined || compareAge(config.metadata, known.metadata) < 0) originals.set(key, config);
  }
  return originals;
}

export const twinKey = (namespace: string, { issuer, audience }: IssuerTerms): string =>
  JSON.stringify([namespace, issuer, audience]);

/** Times are in whole seconds, so names decide between two of one second. */
function compareAge(left: ObjectMeta, right: ObjectMeta): number {
  const [leftKey, rightKey] = [left, right].map(
    ({ creationTimestamp = '', namespace, name }) => `${creationTimestamp} ${namespace}/${name}`,
  ) as [string, string];
  return leftKey < rightKey ? -1 : leftKey > rightKey ? 1 : 0;
}

/** What the status of an OIDC config should say. No I/O. No clock. */
import type { OidcConfigStatus } from '../../api/status.ts';
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import { mergeConditions, type Verdict } from '../conditions.ts';
import { isSameJson } from '../json.ts';
import type { FetchFault } from '../oidc/fetch-fault.ts';
import { judgeTerms, twinKey, type IssuerFault, type IssuerPolicy } from '../oidc/trusted-issuer.ts';
import { CONDITION_TYPES, OIDC_CONFIG_REASONS } from './reasons.ts';

/** Why a config does not count, as far as it can be seen without asking its issuer; undefined where it does. */
export function judgeConfig(
  { metadata, spec }: OidcConfig,
  originals: ReadonlyMap<string, OidcConfig>,
  policy: IssuerPolicy,
): Verdict | undefined {
  if (spec.enabled === false) return notReady(OIDC_CONFIG_REASONS.disabled, 'spec.enabled is false');
  const fault = judgeTerms(spec, metadata.namespace, policy);
  if (fault !== undefined) return notReady(reasonsOfFaults[fault], messagesOfFaults[fault]);
  const original = originals.get(twinKey(metadata.namespace, spec));
  if (original === undefined || original.metadata.uid === metadata.uid) return undefined;
  return notReady(
    OIDC_CONFIG_REASONS.duplicate,
    `"${original.metadata.name}" is older and names the same issuer and audience`,
  );
}

/** What came of asking the issuer for its keys. */
export const judgeKeys = (fault: FetchFault | undefined): Verdict =>
  fault === undefined
    ? ready('True', OIDC_CONFIG_REASONS.discovered, 'the issuer tells its keys')
    : notReady(OIDC_CONFIG_REASONS.discoveryFailed, messagesOfFetches[fault]);

/** The whole status to write, or `unchanged` where the stored one says it all. */
export function planConfigStatus(
  { metadata: { generation }, status: stored = {} }: OidcConfig,
  verdict: Verdict,
  now: Date,
): OidcConfigStatus | 'unchanged' {
  const status: OidcConfigStatus = {
    ready: verdict.status === 'True',
    message: verdict.message,
    conditions: mergeConditions(stored.conditions ?? [], [verdict], { now, generation }),
  };
  return isSameJson(stored, status) ? 'unchanged' : status;
}

const ready = (status: Verdict['status'], reason: string, message: string): Verdict => ({
  type: CONDITION_TYPES.ready,
  status,
  reason,
  message,
});
const notReady = (reason: string, message: string): Verdict => ready('False', reason, message);

const reasonsOfFaults: Readonly<Record<IssuerFault, string>> = {
  cluster_issuer: OIDC_CONFIG_REASONS.clusterIssuer,
  unbound_issuer: OIDC_CONFIG_REASONS.unboundIssuer,
  insecure_issuer: OIDC_CONFIG_REASONS.insecureIssuer,
};

const messagesOfFaults: Readonly<Record<IssuerFault, string>> = {
  cluster_issuer: "is this cluster's own issuer, whose tokens count only when the apiserver says so",
  unbound_issuer: 'anybody can get a token of this issuer for any audience: an audience and a bound claim are needed',
  insecure_issuer: 'the issuer has no https or a private host, which this installation does not permit here',
};

const messagesOfFetches: Readonly<Record<FetchFault, string>> = {
  document: 'the issuer answered with something that is no discovery document or no set of keys',
  other_issuer: 'the discovery document names another issuer',
  insecure_url: 'the discovery document names a place for keys that is not permitted: expected https and a public host',
  no_public_address: 'the name of the host has no public address',
  unreachable: 'the host cannot be reached',
  tls: 'the certificate of the host is not good',
  timeout: 'the issuer did not answer in time',
  redirect: 'the issuer answered with a redirect, which is not followed',
  status: 'the issuer answered with an error',
  too_large: 'the answer of the issuer is too large',
  busy: 'too many issuers are being asked',
};

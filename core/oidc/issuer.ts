/** Which issuers of tokens may be named, and by whom. No I/O. */
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import { isPrivateHost } from './address.ts';

/**
 * Anybody in the world gets tokens of these, for any audience. Beside each the claims that mean one owner for ever: a
 * name can be given up and registered by somebody else, a number is never used again.
 */
const sharedIssuers: Readonly<Record<string, readonly string[]>> = {
  // https://docs.github.com/en/actions/reference/security/oidc
  'https://token.actions.githubusercontent.com': ['repository_id', 'repository_owner_id', 'actor_id'],
  // https://docs.gitlab.com/ci/secrets/id_token_authentication/
  'https://gitlab.com': ['project_id', 'namespace_id', 'user_id'],
  // https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
  'https://accounts.google.com': ['sub'],
};

/** The claims to bind of an issuer that strangers share; undefined of one that is its namer's own. */
export const lastingClaimsOf = (issuer: string): readonly string[] | undefined =>
  Object.entries(sharedIssuers).find(([shared]) => issuer === shared || issuer.startsWith(`${shared}/`))?.[1];

export interface ClaimedIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly boundClaims?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Whether tokens of an issuer that strangers share would count whoever they are of. */
export const isOpenToStrangers = ({ issuer, audience, boundClaims = {} }: ClaimedIssuer): boolean =>
  lastingClaimsOf(issuer) !== undefined && (audience === '' || Object.keys(boundClaims).length === 0);

export interface Namer {
  /** Where the config or pool that names the issuer lives. */
  readonly namespace: string;
  /** Issuer of the cluster's own ServiceAccounts. */
  readonly clusterIssuer: string;
}

/**
 * What is wrong with naming this issuer, in the words of a field error; undefined when nothing is.
 * Without https, or in a private network, only the controller's own namespace may name one: the others would let their
 * tenants send the controller wherever it can reach.
 */
export function judgeIssuer(issuer: string, { namespace, clusterIssuer }: Namer): string | undefined {
  if (issuer === clusterIssuer) {
    return "Forbidden: is this cluster's own issuer, whose tokens count only when the apiserver says so";
  }
  if (URL.parse(issuer) === null) return `Invalid value: ${JSON.stringify(issuer)}: expected a URL`;
  if (namespace === SYSTEM_NAMESPACE || isPublicUrl(issuer)) return undefined;
  return (
    `Invalid value: ${JSON.stringify(issuer)}: expected https and a public host ` +
    `outside the namespace ${SYSTEM_NAMESPACE}`
  );
}

/** https, and a host that cannot be seen to be private. */
export function isPublicUrl(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' && !isPrivateHost(url.hostname);
}

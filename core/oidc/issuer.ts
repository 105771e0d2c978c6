/** Which issuers of tokens may be named, and by whom. No I/O. */
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import { isPrivateHost } from './address.ts';

/**
 * Anybody in the world gets tokens of these, for any audience. Beside each the claims that mean one owner for ever: a
 * name can be given up and registered by somebody else, a number is never used again. What stands below such a
 * URL is shared as well, since a path names a customer. Issuers whose URL holds an id of the customer, or whose host is
 * the customer's own, do not stand here.
 */
export const sharedIssuers: Readonly<Record<string, readonly string[]>> = {
  // https://docs.github.com/en/actions/reference/security/oidc
  'https://token.actions.githubusercontent.com': ['repository_id', 'repository_owner_id', 'actor_id'],
  // https://docs.gitlab.com/ci/secrets/id_token_authentication/
  'https://gitlab.com': ['project_id', 'namespace_id', 'user_id'],
  // https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
  'https://accounts.google.com': ['sub'],
  // https://buildkite.com/docs/pipelines/security/oidc
  'https://agent.buildkite.com': ['organization_id', 'pipeline_id', 'cluster_id'],
  // https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/workload-identity-tokens
  'https://app.terraform.io': ['terraform_organization_id', 'terraform_project_id', 'terraform_workspace_id'],
  // https://codefresh.io/docs/docs/integrations/oidc-pipelines/
  'https://oidc.codefresh.io': ['account_id', 'pipeline_id'],
  // https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
  'https://api.bitbucket.org': ['workspaceUuid', 'repositoryUuid'],
  // https://vercel.com/docs/oidc/reference
  'https://oidc.vercel.com': ['owner_id', 'project_id'],
  // https://fly.io/docs/security/openid-connect/
  'https://oidc.fly.io': ['org_id', 'app_id'],
  // https://www.pulumi.com/docs/administration/access-identity/oidc-provider/
  'https://api.pulumi.com/oidc': ['sub'],
  // https://docs.scalr.io/docs/provider-configurations-oidc
  'https://scalr.io': ['scalr_account_id', 'scalr_environment_id', 'scalr_workspace_id'],
  // https://docs.sigstore.dev/certificate_authority/oidc-in-fulcio/
  'https://oauth2.sigstore.dev/auth': ['sub'],
  // https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference: the tenant of personal accounts
  'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad': ['oid'],
  // https://developer.apple.com/documentation/signinwithapple/verifying-a-user
  'https://appleid.apple.com': ['sub'],
  // https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2
  'https://www.linkedin.com/oauth': ['sub'],
  // https://developers.facebook.com/docs/facebook-login/guides/advanced/oidc-token
  'https://www.facebook.com': ['sub'],
  'https://limited.facebook.com': ['sub'],
  // https://dev.twitch.tv/docs/authentication/getting-tokens-oidc/
  'https://id.twitch.tv/oauth2': ['sub'],
  // https://api.slack.com/authentication/sign-in-with-slack
  'https://slack.com': ['sub', 'https://slack.com/team_id'],
  // https://developer.yahoo.com/oauth2/guide/openid_connect/decode_id_token.html
  'https://api.login.yahoo.com': ['sub'],
  // https://help.salesforce.com/s/articleView?id=sf.remoteaccess_using_openid.htm
  'https://login.salesforce.com': ['sub', 'organization_id'],
};

/** What every token of such an issuer says, or whoever asks for one chooses: to bind it is to bind nobody. */
const unboundClaims: ReadonlySet<string> = new Set(['iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'nonce', 'auth_time']);

/** Claims of a config that say whose tokens count. */
export const listBound = ({ boundClaims = {} }: ClaimedIssuer): readonly string[] =>
  Object.keys(boundClaims).filter((name) => !unboundClaims.has(name));

/** The claims to bind of an issuer that strangers share; undefined of one that is its namer's own. */
export const lastingClaimsOf = (issuer: string): readonly string[] | undefined =>
  Object.entries(sharedIssuers).find(([shared]) => issuer === shared || issuer.startsWith(`${shared}/`))?.[1];

export interface ClaimedIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly boundClaims?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Whether tokens of an issuer that strangers share would count whoever they are of. */
export const isOpenToStrangers = (claimed: ClaimedIssuer): boolean =>
  lastingClaimsOf(claimed.issuer) !== undefined && (claimed.audience === '' || listBound(claimed).length === 0);

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

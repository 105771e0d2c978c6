/** Which issuers of tokens may be named, and by whom. No I/O. */
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import { isPrivateHost } from './address.ts';

/** Anybody in the world gets tokens of these, for any audience. */
const sharedIssuers: readonly string[] = [
  'https://token.actions.githubusercontent.com',
  'https://gitlab.com',
  'https://accounts.google.com',
];

export const isSharedIssuer = (issuer: string): boolean =>
  sharedIssuers.some((shared) => issuer === shared || issuer.startsWith(`${shared}/`));

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

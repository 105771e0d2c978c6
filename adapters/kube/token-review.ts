/** Whose token it is, by the word of the apiserver (authentication.k8s.io/v1 TokenReview). */
import { hash } from 'node:crypto';
import { authenticationCacheMs, maxRememberedAuthentications } from '../../api/limits/tokens.ts';
import type { UserInfo } from '../../api/review.ts';
import { putLast } from '../../core/bounded-map.ts';
import { inspectClaims, type ReviewFault } from '../../core/tokens/inspect.ts';
import { parseToken, type ParsedToken } from '../../core/tokens/parse.ts';
import { createMerge } from '../../core/merge.ts';
import type { Principal } from '../../core/principal.ts';
import { hashTokenId } from '../token-id.ts';
import { AuthenticationV1Api } from '#client-node';
import { apiOf, type Kube } from './api.ts';
import type { IsClusterToken } from './cluster-keys.ts';

export interface TokenReviewerOptions {
  readonly audience: string;
  readonly isClusterToken: IsClusterToken;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** `foreign`: the token is of another issuer. `refused` without a reason: by the apiserver. */
export type ClusterIdentity =
  | { readonly kind: 'known'; readonly principal: Principal }
  | { readonly kind: 'refused'; readonly reason?: ReviewFault }
  | { readonly kind: 'foreign' };

/** Whose token it is, where it is of this cluster. @throws {KubeError} when the apiserver gives no verdict. */
export type ClusterAuthenticator = (token: ParsedToken) => Promise<ClusterIdentity>;

/** Whoever holds the token; undefined when the token is refused. @throws {KubeError} when the apiserver gives no verdict. */
export type TokenReviewer = (token: string) => Promise<Principal | undefined>;

interface CachedReview {
  readonly principal: Principal | undefined;
  readonly forgetAtMs: number;
}

interface Reviewed {
  /** Names the token. */
  readonly key: string;
  readonly token: string;
  readonly expiresAtMs: number;
}

/** Verdicts are remembered for a moment, never past the token's end; reviews of one token at one time are one call. */
export function createClusterAuthenticator(
  kube: Kube,
  { audience, isClusterToken, now }: TokenReviewerOptions,
): ClusterAuthenticator {
  const remembered = new Map<string, CachedReview>();

  function recall(key: string): CachedReview | undefined {
    const cached = remembered.get(key);
    return cached !== undefined && cached.forgetAtMs > now() ? cached : undefined;
  }

  async function reviewAndRemember({ key, token, expiresAtMs }: Reviewed): Promise<Principal | undefined> {
    const user = await review(kube, token, audience);
    const principal = user === undefined ? undefined : makePrincipal(user);
    const cached = { principal, forgetAtMs: Math.min(now() + authenticationCacheMs, expiresAtMs) };
    putLast(remembered, [key, cached], maxRememberedAuthentications);
    return principal;
  }

  const reviewOnce = createMerge<Reviewed, undefined, Principal | undefined>(reviewAndRemember, {
    idOf: ({ key }) => key,
    isCovered: ({ key }) => recall(key) !== undefined,
  });

  return async (token) => {
    const key = hash('sha256', token.text, 'base64');
    const cached = recall(key);
    if (cached !== undefined) return toClusterIdentity(cached.principal);
    const inspected = inspectClaims(token.claims, { audience, nowMs: now() });
    if (!(await isClusterToken(token, inspected.ok))) return { kind: 'foreign' };
    if (!inspected.ok) return { kind: 'refused', reason: inspected.error };
    const { expiresAtMs } = inspected.value;
    return toClusterIdentity(await reviewOnce({ key, token: token.text, expiresAtMs }, undefined));
  };
}

const toClusterIdentity = (principal: Principal | undefined): ClusterIdentity =>
  principal === undefined ? { kind: 'refused' } : { kind: 'known', principal };

/** For who takes tokens of this cluster alone. */
export function createTokenReviewer(kube: Kube, options: TokenReviewerOptions): TokenReviewer {
  const authenticate = createClusterAuthenticator(kube, options);
  return async (text) => {
    const token = parseToken(text);
    const cached = token.ok ? await authenticate(token.value) : undefined;
    return cached?.kind === 'known' ? cached.principal : undefined;
  };
}

/** The apiserver tells the name of the token among what it knows of its holder (KEP-4193). */
function makePrincipal(user: UserInfo): Principal {
  const [credential] = user.extra?.[credentialIdKey] ?? [];
  return credential === undefined ? { user } : { user, tokenId: hashTokenId(credential.replace(/^JTI=/, '')) };
}

const credentialIdKey = 'authentication.kubernetes.io/credential-id';

async function review(kube: Kube, token: string, audience: string): Promise<UserInfo | undefined> {
  const spec = { token, audiences: [audience] };
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
  const { status } = await apiOf(kube, AuthenticationV1Api).createTokenReview({ body });
  const { authenticated, audiences, user } = status ?? {};
  // An authenticator that knows no audiences leaves the list out: its tokens might be meant for somebody else.
  return authenticated === true && audiences?.includes(audience) === true ? (user as UserInfo) : undefined;
}

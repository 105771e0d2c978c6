/** Whose token it is, by the word of the apiserver (authentication.k8s.io/v1 TokenReview). */
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { authenticationMemoryMs, maxRememberedAuthentications } from '../../api/limits/tokens.ts';
import type { UserInfo } from '../../api/review.ts';
import { inspectToken } from '../../core/tokens/inspect.ts';
import { readIssuer } from '../../core/tokens/parse.ts';
import { createMerge } from '../../core/merge.ts';
import type { Principal } from '../../core/principal.ts';
import { hashTokenId } from '../token-id.ts';
import { AuthenticationV1Api } from '#client-node';
import { apiOf, type Kube } from './api.ts';

export interface TokenReviewerOptions {
  readonly audience: string;
  /** The cluster's issuer, see `readClusterIssuer`. */
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Whoever holds the token; undefined when the token is refused. @throws {KubeError} when the apiserver gives no verdict. */
export type TokenReviewer = (token: string) => Promise<Principal | undefined>;

interface Verdict {
  readonly principal: Principal | undefined;
  readonly forgetAtMs: number;
}

interface Reviewed {
  /** Names the token. */
  readonly key: string;
  readonly token: string;
  readonly expiresAtMs: number;
}

/** The issuer of the cluster's ServiceAccount tokens, as our own mounted token names it. */
export async function readClusterIssuer(accountFolder: string): Promise<string> {
  const path = join(accountFolder, 'token');
  const issuer = readIssuer((await readFile(path, 'utf8')).trim());
  if (issuer === undefined) throw new Error(`${path}: expected a ServiceAccount token that names its issuer`);
  return issuer;
}

/** Verdicts are remembered for a moment, never past the token's end; reviews of one token at one time are one call. */
export function createTokenReviewer(kube: Kube, { audience, issuer, now }: TokenReviewerOptions): TokenReviewer {
  const remembered = new Map<string, Verdict>();

  function recall(key: string): Verdict | undefined {
    const verdict = remembered.get(key);
    return verdict !== undefined && verdict.forgetAtMs > now() ? verdict : undefined;
  }

  function remember(key: string, verdict: Verdict): void {
    remembered.delete(key);
    remembered.set(key, verdict);
    const [oldest] = remembered.keys();
    if (remembered.size > maxRememberedAuthentications && oldest !== undefined) remembered.delete(oldest);
  }

  async function reviewAndRemember({ key, token, expiresAtMs }: Reviewed): Promise<Principal | undefined> {
    const user = await review(kube, token, audience);
    const principal = user === undefined ? undefined : makePrincipal(user);
    remember(key, { principal, forgetAtMs: Math.min(now() + authenticationMemoryMs, expiresAtMs) });
    return principal;
  }

  const reviewOnce = createMerge<Reviewed, undefined, Principal | undefined>(reviewAndRemember, {
    idOf: ({ key }) => key,
    isCovered: ({ key }) => recall(key) !== undefined,
  });

  return async (token) => {
    const inspected = inspectToken(token, { issuer, audience, nowMs: now() });
    if (!inspected.ok) return undefined;
    const key = hash('sha256', token, 'base64');
    const verdict = recall(key);
    if (verdict !== undefined) return verdict.principal;
    return await reviewOnce({ key, token, expiresAtMs: inspected.value.expiresAtMs }, undefined);
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

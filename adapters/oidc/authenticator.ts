/** Whose token it is: the apiserver's word for those of this cluster, that of trusted issuers for all others. */
import type { Caller } from '../../core/caller.ts';
import { openBearer } from '../../core/oidc/identify.ts';
import type { IssuerPolicy } from '../../core/oidc/trusted-issuer.ts';
import { parseToken } from '../../core/tokens/parse.ts';
import { createDirectoryReader } from '../kube/oidc-configs.ts';
import type { KubeClient } from '../kube/client.ts';
import type { TokenReviewer } from '../kube/token-review.ts';
import { hashTokenId } from '../token-id.ts';
import type { FetchDocument } from './fetch.ts';
import { createIssuerKeys } from './keys.ts';
import { createSignatureVerifier } from './signature.ts';

export interface AuthenticatorOptions {
  readonly kube: KubeClient;
  readonly fetchDocument: FetchDocument;
  readonly reviewToken: TokenReviewer;
  readonly policy: IssuerPolicy;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Undefined for a token that counts nowhere. @throws {KubeError} when the apiserver gives no verdict. */
export function createAuthenticator(options: AuthenticatorOptions): (token: string) => Promise<Caller | undefined> {
  const { kube, fetchDocument, reviewToken, policy, now } = options;
  const ports = {
    readDirectory: createDirectoryReader(kube, { ...policy, now }),
    verifySignature: createSignatureVerifier(createIssuerKeys(fetchDocument, now)),
    hash: hashTokenId,
    now,
  };
  return async (token) => {
    const parsed = parseToken(token);
    if (!parsed.ok) return undefined;
    if (parsed.value.claims['iss'] === policy.clusterIssuer) {
      const principal = await reviewToken(token);
      return principal === undefined ? undefined : { kind: 'known', principal };
    }
    const bearer = await openBearer(parsed.value, ports);
    return bearer === undefined ? undefined : { kind: 'bearer', bearer };
  };
}

/** Whose token it is: the apiserver's word for those of this cluster, that of trusted issuers for all others. */
import type { Caller, TokenRefusal } from '../../core/caller.ts';
import { openBearer } from '../../core/oidc/identify.ts';
import type { IssuerPolicy } from '../../core/oidc/trusted-issuer.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { ReviewFault } from '../../core/tokens/inspect.ts';
import { parseToken } from '../../core/tokens/parse.ts';
import { createDirectoryReader } from '../kube/oidc-configs.ts';
import type { KubeClient } from '../kube/client.ts';
import type { ClusterAuthenticator } from '../kube/token-review.ts';
import { hashTokenId } from '../token-id.ts';
import type { FetchDocument } from './fetch.ts';
import { createIssuerKeys } from './keys.ts';
import { createSignatureVerifier } from './signature.ts';

export interface AuthenticatorOptions {
  readonly kube: KubeClient;
  readonly fetchDocument: FetchDocument;
  readonly authenticateInCluster: ClusterAuthenticator;
  readonly policy: IssuerPolicy;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** @throws {KubeError} when the apiserver gives no verdict. */
export function createAuthenticator(
  options: AuthenticatorOptions,
): (token: string) => Promise<Result<Caller, TokenRefusal>> {
  const { kube, fetchDocument, authenticateInCluster, policy, now } = options;
  const ports = {
    readDirectory: createDirectoryReader(kube, { ...policy, now }),
    verifySignature: createSignatureVerifier(createIssuerKeys(fetchDocument, now)),
    hash: hashTokenId,
    now,
  };
  return async (text) => {
    const token = parseToken(text);
    if (!token.ok) return err('refused');
    const identity = await authenticateInCluster(token.value);
    if (identity.kind === 'known') return ok(identity);
    // What the cluster has signed counts when the apiserver says so, and never by an issuer that a config names.
    if (identity.kind === 'refused') return err(toRefusal(identity.reason));
    const bearer = await openBearer(token.value, ports);
    return bearer === undefined ? err('refused') : ok({ kind: 'bearer', bearer });
  };
}

const toRefusal = (reason: ReviewFault | undefined): TokenRefusal =>
  reason === undefined || reason === 'malformed' ? 'refused' : reason;

/** Who may send events: by a token of our audience. */
import { TOKEN_AUDIENCE } from '../../api/names.ts';
import type { KubeClient } from './client.ts';
import { createTokenReviewer } from './token-review.ts';

export interface EventSenders {
  /** The cluster's issuer, see `readClusterIssuer`. */
  readonly issuer: string;
  /** Names of the users who may. */
  readonly users: readonly string[];
}

/** @throws {KubeError} when the apiserver gives no verdict. */
export function createSenderCheck(
  kube: KubeClient,
  { issuer, users }: EventSenders,
): (token: string) => Promise<'allowed' | 'refused'> {
  const review = createTokenReviewer(kube, { audience: TOKEN_AUDIENCE, issuer, now: Date.now });
  return async (token) => {
    const principal = await review(token);
    return principal !== undefined && users.includes(principal.user.username) ? 'allowed' : 'refused';
  };
}

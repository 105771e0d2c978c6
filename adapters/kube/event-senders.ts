/** Who may send events: the users with these names, by a token of our audience. */
import type { TokenReviewer } from './token-review.ts';

/** @throws {KubeError} when the apiserver gives no verdict. */
export const createSenderCheck =
  (authenticate: TokenReviewer, users: readonly string[]) =>
  async (token: string): Promise<'allowed' | 'refused'> => {
    const principal = await authenticate(token);
    return principal !== undefined && users.includes(principal.user.username) ? 'allowed' : 'refused';
  };

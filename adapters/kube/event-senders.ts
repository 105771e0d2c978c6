/** Who may send events. */
import type { TokenReviewer } from './token-review.ts';

/**
 * The users with these names, by a token of our audience; or whoever reaches us, where a NetworkPolicy alone decides
 * who that is.
 */
export type EventSenders =
  { readonly by: 'token'; readonly users: ReadonlySet<string> } | { readonly by: 'NetworkPolicy' };

/** Without a token nobody is asked. @throws {KubeError} when the apiserver gives no verdict. */
export const createSenderCheck =
  (authenticate: TokenReviewer, senders: EventSenders) =>
  async (token: string | undefined): Promise<'allowed' | 'refused'> => {
    if (senders.by === 'NetworkPolicy') return 'allowed';
    const principal = token === undefined ? undefined : await authenticate(token);
    return principal !== undefined && senders.users.has(principal.user.username) ? 'allowed' : 'refused';
  };

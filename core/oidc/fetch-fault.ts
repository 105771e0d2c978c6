/** Why the keys of an issuer can't be had. No I/O. */
import type { DocumentFault } from './discovery.ts';

/**
 * `no_public_address` stands for a name that is not there as well: a tenant must not learn from us which names a private
 * network knows. `busy`: too much of this is under way here.
 */
export type FetchFault =
  | DocumentFault
  | 'no_public_address'
  | 'unreachable'
  | 'tls'
  | 'timeout'
  | 'redirect'
  | 'status'
  | 'too_large'
  | 'busy';

/** What may pass by itself: nobody can say yet whether a token is good. */
export const isPassing = (fault: FetchFault): boolean =>
  fault === 'unreachable' || fault === 'timeout' || fault === 'status' || fault === 'busy';

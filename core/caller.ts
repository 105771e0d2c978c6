/** Whoever shows a token, as far as it can be said before it is known for which pools. No I/O. */
import type { Bearer } from './oidc/identify.ts';
import type { Principal } from './principal.ts';

/**
 * Why a token counts nowhere. Only to who holds a token that this cluster has signed more is said than `refused`: it tells
 * nothing of others.
 */
export type TokenRefusal = 'refused' | 'expired' | 'other_audience';

export type Caller =
  /** The apiserver says who it is. */
  | { readonly kind: 'known'; readonly principal: Principal }
  /** Issuers may say who it is, each for the pools that trust it. */
  | { readonly kind: 'bearer'; readonly bearer: Bearer };

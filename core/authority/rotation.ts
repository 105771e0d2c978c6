/**
 * When the webhooks' CA and certificate are replaced. The apiserver trusts a CA before the first certificate of it is
 * served, and trusts the one before until the last certificate of that is served no more.
 *
 * No I/O. No clock.
 */
import { certificateBackdateSeconds, webhookOverlapSeconds } from '../../api/limits.ts';

/** Seconds since the epoch. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface CaFacts {
  readonly now: number;
  /** The CA that signs. */
  readonly current: Validity;
  /** The one that is to sign after it, and is trusted already. */
  readonly next: Validity | undefined;
  /** Whether the one that signed before is still trusted. */
  readonly hasPrevious: boolean;
  /** Present where the certificate of the webhooks is signed by the current CA. */
  readonly leaf: Validity | undefined;
  /** Whether the apiserver was found to trust exactly these CAs, so has had time to notice. */
  readonly isTrustSettled: boolean;
}

/**
 * `prepare`: make the next CA and have it trusted. `promote`: let it sign. `retire`: trust the one before no more.
 * Each in a run of its own.
 */
export type CaStep = 'none' | 'prepare' | 'promote' | 'retire';

export function planCa({ now, current, next, hasPrevious, leaf, isTrustSettled }: CaFacts): CaStep {
  if (next !== undefined) return isTrustSettled && isOlderThanOverlap(next, now) ? 'promote' : 'none';
  if (hasPrevious) return leaf !== undefined && isOlderThanOverlap(leaf, now) ? 'retire' : 'none';
  return isPastHalf(current, now) ? 'prepare' : 'none';
}

export const isPastHalf = ({ notBefore, notAfter }: Validity, now: number): boolean =>
  now >= notBefore + (notAfter - notBefore) / 2;

const isOlderThanOverlap = ({ notBefore }: Validity, now: number): boolean =>
  now >= notBefore + certificateBackdateSeconds + webhookOverlapSeconds;

/**
 * When a self-signed CA is replaced. Who verifies trusts a CA before the first certificate of it is shown, and trusts
 * the one before until its last certificate is shown no more.
 *
 * No I/O. No clock.
 */
import { certificateBackdateSeconds } from '../../api/limits/certificates.ts';

/** Seconds since the epoch. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface CaFacts {
  readonly now: number;
  /** The CA that signs. */
  readonly current: Validity;
  /** The one that is to sign after it; `trustedSince` where everybody who verifies was told to trust it. */
  readonly next: { readonly trustedSince: number | undefined } | undefined;
  /** Whether the one that signed before is still trusted, and whether a certificate of it may still be shown. */
  readonly previous: 'none' | 'used' | 'unused';
  /** How long it takes until those who were told to trust a CA all do. */
  readonly overlapSeconds: number;
  /** When somebody asked for a new CA, last. */
  readonly askedAt: number | undefined;
}

/**
 * `prepare`: make the next CA and have it trusted. `promote`: let it sign. `retire`: trust the one before no more.
 * Each in a run of its own.
 */
export type CaStep = 'none' | 'prepare' | 'promote' | 'retire';

export function planCa({ now, current, next, previous, overlapSeconds, askedAt }: CaFacts): CaStep {
  if (next !== undefined) {
    return next.trustedSince !== undefined && now >= next.trustedSince + overlapSeconds ? 'promote' : 'none';
  }
  if (previous !== 'none') return previous === 'unused' ? 'retire' : 'none';
  return isPastHalf(current, now) || isAsked(current, askedAt, now) ? 'prepare' : 'none';
}

/** A CA made after somebody asked is what was asked for. What is asked for tomorrow is not asked yet. */
const isAsked = (current: Validity, askedAt: number | undefined, now: number): boolean =>
  askedAt !== undefined && askedAt <= now && askedAt > madeAt(current);

export const madeAt = ({ notBefore }: Validity): number => notBefore + certificateBackdateSeconds;

/** The moment at which a certificate is to be replaced. */
export const halfOf = ({ notBefore, notAfter }: Validity): number => notBefore + (notAfter - notBefore) / 2;

export const isPastHalf = (validity: Validity, now: number): boolean => now >= halfOf(validity);

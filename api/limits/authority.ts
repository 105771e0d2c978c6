/** The authority: its CAs, its leaves and its runs. Each limit has its unit in its name and its reason above it. */

import { maxCertificateTtlSeconds } from './certificates.ts';

/** The root outlives many intermediates; it is replaced by hand or at half life. */
export const rootCaTtlSeconds = 10 * 365 * 24 * 60 * 60;

/**
 * Renewed at half of its life, so what it signs may live for half of it; and a root that was replaced is trusted for as
 * long as this.
 */
export const intermediateCaTtlSeconds = 30 * 24 * 60 * 60;

/**
 * A client takes the trust bundle with its certificate, and may use it for as long as that; an hour more is what a
 * kubelet needs to bring a changed bundle to the others.
 */
export const rootOverlapSeconds = maxCertificateTtlSeconds + 60 * 60;

/** Renewed at half by a part that runs daily: a week without it does no harm. */
export const serverLeafTtlSeconds = 14 * 24 * 60 * 60;

/** Patching a caBundle disturbs watches, so the webhook CA outlives many leaves. */
export const webhookCaTtlSeconds = 10 * 365 * 24 * 60 * 60;
export const webhookLeafTtlSeconds = 365 * 24 * 60 * 60;

/** A kubelet brings a changed Secret to its Pods within two minutes, and every apiserver a changed CA bundle to itself. */
export const webhookOverlapSeconds = 60 * 60;

/** A run of the authority takes seconds, on a busy apiserver minutes: whoever holds its Lease for longer is gone. */
export const authorityLeaseSeconds = 5 * 60;

/**
 * Nobody waits for the authority, and a busy apiserver needs seconds to change a CRD: a run that gave up would leave
 * work for the next, and a Lease where even that could not be given back.
 */
export const authorityCallTimeoutMs = 30_000;

/** The authority runs every day: what was not done after two is not being done. */
export const overdueSeconds = 2 * 24 * 60 * 60;

/** A change of a definition: the apiserver compiles all its rules anew, which took a busy one 4 to 7 s (measured). */
export const definitionTimeoutMs = 20_000;

/** The doctor. Each limit has its unit in its name and its reason above it. */

import { resyncPeriodMs } from './status.ts';

/** A resync repairs within five minutes whatever was lost: after twice that, nobody is at work. */
export const repairedWithinSeconds = 2 * (resyncPeriodMs / 1000);

/** A person waits longer than a webhook may, and whoever calls a doctor has a cluster that is slow. */
export const doctorCallTimeoutMs = 20_000;

/** A dry run waits for both webhooks, 5 s each, and for conversions, which the apiserver gives up after 30 s. */
export const dryRunTimeoutMs = 45_000;

/** Of the reviews of rights: 70 of them take a moment, and leave the apiserver to others. */
export const maxParallelRightReviews = 8;

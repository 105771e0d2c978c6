/** What is known of the right to attach to one pool. No I/O. No clock. */
import { maxReviewAgeMs, resyncPeriodMs } from '../../api/limits/status.ts';
import type { UserInfo } from '../../api/review.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { makeRequester } from '../admission/requester.ts';
import { referringWorkers, type Observed } from './observed.ts';
import { REFERENCE_REASONS, RESOLVED_REFS } from './reasons.ts';

/** Verdict of the apiserver on whether somebody may attach to the pool. */
export interface Review {
  readonly isAllowed: boolean;
  readonly reviewedAt: Date;
}

/** By `reviewKey`. */
export type Reviews = ReadonlyMap<string, Review>;

/** One for all workers of one user: a stamp has one form. */
export const reviewKey = (user: UserInfo): string => JSON.stringify(user);

/** Whoever created the worker; undefined for one from before admission. */
export const requesterOf = ({ spec: { requester } }: Pick<Worker, 'spec'>): UserInfo | undefined =>
  requester === undefined ? undefined : makeRequester(requester);

/** A review is renewed while there is another resync to come before it is too old. */
export const dueAfter = ({ reviewedAt }: Review): Date =>
  new Date(reviewedAt.getTime() + maxReviewAgeMs - resyncPeriodMs);

/**
 * The earlier reviews that still count: a yes, of users whose workers all stand as authorized. Else a worker is new, or
 * somebody has found otherwise since, or the right may have come back: the apiserver is asked again.
 */
export function recall(observed: Pick<Observed, 'key' | 'workers'>, earlier: Reviews): Map<string, Review> {
  const standing = new Map<string, boolean>();
  for (const worker of referringWorkers(observed)) {
    const requester = requesterOf(worker);
    if (requester === undefined) continue;
    const key = reviewKey(requester);
    standing.set(key, (standing.get(key) ?? true) && isAuthorized(worker));
  }
  return new Map([...earlier].filter(([key, { isAllowed }]) => isAllowed && standing.get(key) === true));
}

const isAuthorized = ({ status }: Worker): boolean =>
  (status?.conditions ?? []).some(
    (one) => one.type === RESOLVED_REFS && one.status === 'True' && one.reason === REFERENCE_REASONS.authorized,
  );

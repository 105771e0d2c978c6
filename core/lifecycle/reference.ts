/**
 * Whether a worker may go on referring to its pool: the rules of admission in their order, looked at anew.
 *
 * As there, nothing is told about a pool, not even that it exists, where no rule permits the reference. No I/O.
 */
import { KINDS, VERBS } from '../../api/names.ts';
import type { UserInfo } from '../../api/review.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { isGranted } from '../access/grant.ts';
import type { Labels } from '../access/label-selector.ts';
import { cannot, ungranted } from '../admission/answers.ts';
import type { Verdict } from '../conditions.ts';
import { formatPoolKey, type PoolKey } from '../pool-reference.ts';
import { REFERENCE_REASONS as REASONS, RESOLVED_REFS } from './reasons.ts';
import { dueAfter, requesterOf, reviewKey, type Reviews } from './reviews.ts';

export interface Reference {
  readonly worker: Worker;
  readonly key: PoolKey;
  readonly pool: Pool | undefined;
  /** Of the worker's namespace, where the grant is a selector. */
  readonly labels: Labels;
  /** Undefined where the right to attach lets no worker in. */
  readonly reviews: Reviews | undefined;
}

export type Judgement =
  | { readonly outcome: 'judged'; readonly verdict: Verdict; readonly nextDueAt: Date | undefined }
  /** It rests on the right of this user, and no review of it is recent enough. */
  | { readonly outcome: 'review needed'; readonly requester: UserInfo };

export function judgeReference(reference: Reference, now: Date): Judgement {
  const { worker, key, pool, labels, reviews } = reference;
  const { namespace } = worker.metadata;
  if (namespace === key.namespace) return judged(pool === undefined ? notFound(key) : resolved.sameNamespace);
  const guest = { poolNamespace: key.namespace, namespace, labels };
  if (pool !== undefined && isGranted(pool.spec.access, guest)) return judged(resolved.granted);
  if (reviews === undefined) return judged(notPermitted(key));
  const requester = requesterOf(worker);
  if (requester === undefined) return judged(notPermitted(key, 'it is not known who created the worker'));
  const review = reviews.get(reviewKey(requester));
  if (review === undefined || dueAfter(review) <= now) return { outcome: 'review needed', requester };
  const verdict = review.isAllowed
    ? judgePin(reference)
    : notPermitted(key, cannot(requester, VERBS.attach, key.namespace));
  return judged(verdict, dueAfter(review));
}

/** A right counts for the pool it was given for. */
function judgePin({ worker, key, pool }: Reference): Verdict {
  if (pool === undefined) return notFound(key);
  return isAdmittedTo(pool, worker) ? resolved.authorized : recreated(key);
}

/**
 * Whether the worker was admitted to this very pool and to no earlier one of its name. Before the first look at a
 * worker only the times tell, by whole seconds.
 */
export function isAdmittedTo(pool: Pool, { metadata, status }: Worker): boolean {
  if (status?.poolUID !== undefined) return status.poolUID === pool.metadata.uid;
  // Both are written by the apiserver, in UTC and in one format.
  return (metadata.creationTimestamp ?? '') >= (pool.metadata.creationTimestamp ?? '');
}

const judged = (verdict: Verdict, nextDueAt?: Date): Judgement => ({ outcome: 'judged', verdict, nextDueAt });

const yes = (reason: string, message: string): Verdict => ({ type: RESOLVED_REFS, status: 'True', reason, message });
const no = (reason: string, message: string): Verdict => ({ type: RESOLVED_REFS, status: 'False', reason, message });

const resolved = {
  sameNamespace: yes(REASONS.sameNamespace, 'the pool is in the namespace of the worker'),
  granted: yes(REASONS.granted, 'the pool lets workers of this namespace in'),
  authorized: yes(REASONS.authorized, 'who created the worker may attach to the pool'),
};

const notFound = (key: PoolKey): Verdict =>
  no(REASONS.poolNotFound, `${KINDS.pool.kind} "${formatPoolKey(key)}" does not exist`);

const notPermitted = (key: PoolKey, why?: string): Verdict =>
  no(REASONS.refNotPermitted, why === undefined ? ungranted(key) : `${ungranted(key)}, and ${why}`);

const recreated = (key: PoolKey): Verdict =>
  no(
    REASONS.poolRecreated,
    `${KINDS.pool.kind} "${formatPoolKey(key)}" was made anew since the worker was admitted: create the worker again`,
  );

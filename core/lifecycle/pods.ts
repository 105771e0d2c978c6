/** Which Pods of workers are made, changed and deleted. No I/O. No clock. */
import { failedPodMs } from '../../api/limits/lifecycle.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { isControlledBy, type Pod } from './cluster-objects.ts';
import type { ObservedPool } from './observed.ts';
import { judgeWorkers } from './plan.ts';
import { judgePod } from './pod-state.ts';
import { READY } from './reasons.ts';
import type { Reviews } from './reviews.ts';
import { isLeased, leaseLabels } from './worker-objects.ts';

export interface PodPlan {
  readonly create: readonly Worker[];
  /** Those whose labels and annotations no longer say whether they may be evicted. */
  readonly relabel: readonly { readonly worker: Worker; readonly pod: Pod }[];
  readonly delete: readonly Pod[];
  /** When a failed Pod makes way for the next. */
  readonly nextDueAt: Date | undefined;
}

export function planPods(observed: ObservedPool, reviews: Reviews | undefined, now: Date): PodPlan {
  const { pool } = observed;
  // Without a gateway nobody reaches a worker, and nobody has its key signed.
  const isServing =
    pool !== undefined && pool.metadata.deletionTimestamp === undefined && pool.spec.gateway?.enabled !== false;
  const each = judgeWorkers(observed, reviews, now).flatMap(({ worker, judgement }) => {
    // Who can't be judged now stays as it is.
    if (judgement.outcome === 'review needed') return [];
    const isWanted = isServing && judgement.verdict.status === 'True';
    return [planOne({ worker, pod: findPod(observed, worker), isWanted }, now)];
  });
  return {
    create: each.flatMap((one) => (one.step === 'create' ? [one.worker] : [])),
    relabel: each.flatMap((one) => (one.step === 'relabel' ? [one] : [])),
    delete: each.flatMap((one) => (one.step === 'delete' ? [one.pod] : [])),
    nextDueAt: each
      .flatMap((one) => (one.step === 'wait' ? [one.until] : []))
      .toSorted((left, right) => left.getTime() - right.getTime())[0],
  };
}

/** The worker's Pod, of those that were listed. */
export const findPod = ({ pods }: Pick<ObservedPool, 'pods'>, { metadata }: Worker): Pod | undefined =>
  pods.find((pod) => pod.metadata.namespace === metadata.namespace && isControlledBy(pod.metadata, metadata.uid));

type Step =
  | { readonly step: 'none' }
  | { readonly step: 'create'; readonly worker: Worker }
  | { readonly step: 'relabel'; readonly worker: Worker; readonly pod: Pod }
  | { readonly step: 'delete'; readonly pod: Pod }
  | { readonly step: 'wait'; readonly until: Date };

interface One {
  readonly worker: Worker;
  readonly pod: Pod | undefined;
  readonly isWanted: boolean;
}

function planOne({ worker, pod, isWanted }: One, now: Date): Step {
  if (pod === undefined) return isWanted ? { step: 'create', worker } : { step: 'none' };
  if (pod.metadata.deletionTimestamp !== undefined) return { step: 'none' };
  if (judgePod(worker, { pod }, now).phase === 'Failed') return planFailed(worker, pod, now);
  if (!isWanted && !isLeased(worker)) return { step: 'delete', pod };
  return hasLabels(pod, leaseLabels(worker)) ? { step: 'none' } : { step: 'relabel', worker, pod };
}

/** A Pod that failed serves nobody. It is kept for a while, for whoever looks why. */
function planFailed(worker: Worker, pod: Pod, now: Date): Step {
  const since = worker.status?.phase === 'Failed' ? readySince(worker) : undefined;
  const until = new Date((since ?? now).getTime() + failedPodMs);
  return until <= now ? { step: 'delete', pod } : { step: 'wait', until };
}

function readySince({ status }: Worker): Date | undefined {
  const ready = status?.conditions?.find(({ type }) => type === READY);
  return ready === undefined ? undefined : new Date(ready.lastTransitionTime);
}

const hasLabels = ({ metadata: { labels = {} } }: Pod, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);

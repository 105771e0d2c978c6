/** What a worker says of its lease, and which worker a lease may have. No I/O. No clock. */
import { KINDS, LABELS, MANAGED_BY, STORAGE_API_VERSION } from '../../api/names.ts';
import type { ObjectMeta } from '../../api/fields.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { Lease } from '../lifecycle/cluster-objects.ts';
import { RESOLVED_REFS } from '../lifecycle/reasons.ts';
import { domainOf, isShared, type Claim } from './lease.ts';

const labelOf = ({ metadata: { labels = {} } }: Worker, name: string): string | undefined => labels[name];

/** Whether the worker is bound to just this Lease: one that was made anew under the same name is another. */
export const isHeldBy = (worker: Worker, { metadata }: Lease): boolean =>
  worker.spec.lease !== undefined && labelOf(worker, LABELS.leaseUID) === metadata.uid;

export const leaseUidOf = (worker: Worker): string | undefined => labelOf(worker, LABELS.leaseUID);
export const isLeased = ({ spec: { lease } }: Worker): boolean => lease !== undefined;
export const isBeingDeleted = ({ metadata: { deletionTimestamp } }: Worker): boolean => deletionTimestamp !== undefined;
export const isFailed = ({ status }: Worker): boolean => status?.phase === 'Failed';
export const domainOfWorker = (worker: Worker): string | undefined => labelOf(worker, LABELS.domain);

/** One that nobody has looked at yet was let in by admission. */
export const isResolved = ({ status }: Worker): boolean =>
  !(status?.conditions ?? []).some(({ type, status: isTrue }) => type === RESOLVED_REFS && isTrue === 'False');

/** Takes no new lease. Its own lease keeps it until it is gone, so that what runs there can end. */
export const isLeaving = (worker: Worker): boolean =>
  isBeingDeleted(worker) || worker.status?.phase === 'Terminating' || !isResolved(worker);

/** Serves builds now. A worker whose lease just ended may still be called Allocated. */
export const isReady = ({ status }: Worker): boolean =>
  status?.podIP !== undefined && ['Idle', 'Running', 'Allocated'].includes(status.phase ?? '');

/**
 * Whether the worker may be bound to the Lease that names it. By nothing but these two objects: who finds it false moves
 * the Lease to another worker, and who found it true before has then read an older worker, so its write fails.
 */
export const mayBind = (worker: Worker, lease: Lease): boolean =>
  !isLeased(worker) && !isLeaving(worker) && !isFailed(worker) && isOfDomain(worker, lease);

const isOfDomain = (worker: Worker, lease: Lease): boolean => {
  const domain = domainOfWorker(worker);
  return domain === undefined || domain === domainOf(lease) || isShared(lease);
};

/** What binds a worker that is free: the whole change. */
export interface Binding {
  readonly labels: Readonly<Record<string, string>>;
  readonly lease: NonNullable<Worker['spec']['lease']>;
}

/** A worker that was shared before keeps its first domain. */
export const makeBinding = (claim: Claim, lease: Lease, worker: Worker | undefined, now: Date): Binding => ({
  labels: {
    [LABELS.domain]: (worker && domainOfWorker(worker)) ?? claim.domain,
    [LABELS.lease]: claim.lease,
    [LABELS.leaseUID]: lease.metadata.uid,
  },
  lease: {
    jobID: claim.lease,
    token: claim.token,
    holder: claim.principal,
    acquiredAt: formatTime(now),
  },
});

const formatTime = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, 'Z');

/** A worker that is to be created: admission adds the requester, the apiserver the rest of its metadata. */
export interface NewWorker {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'labels'> & {
    readonly ownerReferences: readonly object[];
  };
  readonly spec: Worker['spec'];
}

/** Bound from its first moment, where it is made for a lease. */
export const makeWorker = (
  { metadata: { name: pool, namespace, uid } }: Pool,
  name: string,
  binding?: Binding,
): NewWorker => ({
  apiVersion: STORAGE_API_VERSION,
  kind: KINDS.worker.kind,
  metadata: {
    name,
    namespace,
    labels: { [LABELS.managedBy]: MANAGED_BY, ...binding?.labels },
    ownerReferences: [{ apiVersion: STORAGE_API_VERSION, kind: KINDS.pool.kind, name: pool, uid }],
  },
  spec: {
    poolRef: { name: pool, namespace },
    ...(binding === undefined ? {} : { lease: binding.lease }),
  },
});

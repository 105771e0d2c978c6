/** Takes steps until a certificate has a worker, or it is known why not. */
import { leaseLookMs, maxLeaseSteps, maxLeaseWaitMs } from '../../api/limits/allocation.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { Lease } from '../lifecycle/cluster-objects.ts';
import { isSameJson } from '../json.ts';
import { holderOf, leaseName, type NewLease, type WorkerKey } from './lease.ts';
import { next, type Answer, type Read, type Observed, type Step, type Task, type Write } from './next.ts';
import type { Binding, NewWorker } from './worker.ts';

/** The object as it was written; `stale` where somebody wrote it since it was read, created it before, or deleted it. */
type Written<T> = T | 'stale';

/** Each throws when the apiserver can't say. */
export interface AllocationStore {
  readonly getLease: (namespace: string, name: string) => Promise<Lease | undefined>;
  readonly getWorker: (key: WorkerKey) => Promise<Worker | undefined>;
  readonly listWorkers: (pool: Task['pool']) => Promise<readonly Worker[]>;
  readonly listLeases: (pool: Task['pool']) => Promise<readonly Lease[]>;
  readonly createLease: (lease: NewLease) => Promise<Written<Lease>>;
  readonly writeLease: (lease: Lease) => Promise<Written<Lease>>;
  readonly createWorker: (worker: NewWorker) => Promise<Written<Worker>>;
  readonly bindWorker: (worker: Worker, binding: Binding) => Promise<Written<Worker>>;
}

export interface AcquirePorts {
  readonly store: AllocationStore;
  readonly now: () => Date;
  readonly pause: (ms: number) => Promise<void>;
}

/** Worker names that calls of this process are about to bind, so that those beside them try others. */
export const createAcquire = ({ store, now, pause }: AcquirePorts) => {
  const busy = new Set<string>();

  /** Waits for a worker that is being made, for as long as a call may be held. */
  return async (task: Omit<Task, 'avoid'>): Promise<Answer> => {
    const endMs = now().getTime() + maxLeaseWaitMs;
    for (;;) {
      const answer = await take({ ...task, avoid: busy }, { store, now, busy });
      if (answer.do !== 'wait' || now().getTime() + leaseLookMs >= endMs) return answer;
      await pause(leaseLookMs);
    }
  };
};

interface StepPorts extends Pick<AcquirePorts, 'store' | 'now'> {
  readonly busy: Set<string>;
}

/** One answer. @throws when others wrote at every attempt. */
async function take(task: Task, { store, now, busy }: StepPorts): Promise<Answer> {
  let observed: Observed = {};
  let own: string | undefined;
  try {
    for (let step = 0; step < maxLeaseSteps; step += 1) {
      const following = next(task, observed, now());
      if (isAnswer(following)) return following;
      const chosen = isRead(following) ? undefined : nameOf(following);
      if (chosen !== undefined && own === undefined && !busy.has(chosen)) busy.add((own = chosen));
      observed = isRead(following)
        ? await read(task, { store, observed }, following)
        : keep(following, observed, await write(store, following));
    }
  } finally {
    if (own !== undefined) busy.delete(own);
  }
  throw new Error(`objects changed during each of ${maxLeaseSteps} steps`);
}

const isAnswer = (step: Step): step is Answer => ['grant', 'wait', 'taken', 'refuse'].includes(step.do);
const isRead = (step: Exclude<Step, Answer>): step is Read =>
  ['read lease', 'read holder', 'confirm lease', 'read lists'].includes(step.do);

const nameOf = (step: Write): string | undefined =>
  step.do === 'create lease' ? step.lease.spec.holderIdentity?.split('/')[1] : undefined;

/** What is read goes beside what was read before it. */
export async function read(
  { pool, claim }: Pick<Task, 'pool' | 'claim'>,
  { store, observed }: { readonly store: AllocationStore; readonly observed: Observed },
  step: Read,
): Promise<Observed> {
  const getLease = () => store.getLease(pool.metadata.namespace, leaseName(pool.metadata.name, claim.lease));
  switch (step.do) {
    case 'read lease':
      return { ...observed, lease: (await getLease()) ?? 'none' };
    case 'read holder':
      return { ...observed, holder: (await store.getWorker(step.holder)) ?? 'none' };
    case 'confirm lease':
      return confirm(observed, step.lease, await getLease());
    case 'read lists': {
      const [workers, leases] = await Promise.all([store.listWorkers(pool), store.listLeases(pool)]);
      return { ...observed, lists: { workers, leases } };
    }
  }
}

/** Renewed by others, it is the same; anything else begins anew. */
const confirm = (observed: Observed, before: Lease, lease: Lease | undefined): Observed =>
  lease?.metadata.uid === before.metadata.uid && isSameJson(holderOf(lease), holderOf(before))
    ? { ...observed, lease, isConfirmed: true }
    : {};

export async function write(store: AllocationStore, step: Write): Promise<Lease | Worker | 'stale'> {
  switch (step.do) {
    case 'create lease':
      return await store.createLease(step.lease);
    case 'write lease':
      return await store.writeLease(step.lease);
    case 'create worker':
      return await store.createWorker(step.worker);
    case 'bind worker':
      return await store.bindWorker(step.worker, step.binding);
  }
}

/** What was just written is known as it is; all else is read anew. */
export function keep(step: Write, observed: Observed, written: Lease | Worker | 'stale'): Observed {
  if (written === 'stale') return {};
  switch (step.do) {
    case 'create lease':
    case 'write lease':
      return { lease: written as Lease, ...findKnown(observed, written as Lease) };
    case 'create worker':
    case 'bind worker':
      return { ...(observed.lease === undefined ? {} : { lease: observed.lease }), holder: written as Worker };
  }
}

/** The worker as it was read: a binding fails where it is older than that. One whose UID is not known is read anew. */
function findKnown({ lists, holder: read }: Observed, lease: Lease): Pick<Observed, 'holder'> {
  const uid = holderOf(lease)?.uid;
  const known = [...(typeof read === 'object' ? [read] : []), ...(lists?.workers ?? [])];
  const holder = uid === undefined ? undefined : known.find(({ metadata }) => metadata.uid === uid);
  return holder === undefined ? {} : { holder };
}

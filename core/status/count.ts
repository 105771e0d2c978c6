/** Workers of a pool by state. No I/O. */
import { defaultMaxWorkers } from '../../api/limits/fields.ts';
import { maxListedNamespaces } from '../../api/limits/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolStatus, WorkerPhase } from '../../api/status.ts';
import { RESOLVED_REFS } from '../lifecycle/reasons.ts';
import { formatPoolKey, poolOfWorker } from '../pool-reference.ts';
import type { CountedWorker } from './observed.ts';

export type WorkerCounts = Readonly<Record<keyof NonNullable<PoolStatus['workers']>, number>>;

type State = 'idle' | 'allocated' | 'provisioning' | 'failed';

/** `Running` is what older controllers wrote for a worker nobody uses. */
const stateByPhase: Readonly<Record<WorkerPhase, State | 'leaving'>> = {
  Pending: 'provisioning',
  Provisioning: 'provisioning',
  Running: 'idle',
  Idle: 'idle',
  Allocated: 'allocated',
  Failed: 'failed',
  Terminating: 'leaving',
};

function stateOf({ metadata, status }: CountedWorker): State | 'leaving' {
  const state = metadata.deletionTimestamp === undefined ? stateByPhase[status?.phase ?? 'Pending'] : 'leaving';
  return state !== 'leaving' && isRevoked(status) ? 'failed' : state;
}

/** A worker that nobody has judged yet was let in by admission. */
const isRevoked = (status: CountedWorker['status']): boolean =>
  (status?.conditions ?? []).some(({ type, status: isTrue }) => type === RESOLVED_REFS && isTrue === 'False');

/** Counts the workers that serve the pool, in every namespace; one being deleted counts nowhere. */
export function countWorkers(pool: Pool, workers: readonly CountedWorker[]): WorkerCounts {
  const tally = { idle: 0, allocated: 0, provisioning: 0, failed: 0 };
  for (const worker of workersOf(pool, workers)) {
    const state = stateOf(worker);
    if (state !== 'leaving') tally[state] += 1;
  }
  const ready = tally.idle + tally.allocated;
  const desired = countDesired(pool, tally.allocated);
  return {
    total: ready + tally.provisioning + tally.failed,
    ready,
    ...tally,
    desired,
    needed: Math.max(0, desired - ready - tally.provisioning),
  };
}

/** Where workers refer to the pool, those being deleted among them; undefined where that is in too many to be named. */
export function findWorkerNamespaces(pool: Pool, workers: readonly CountedWorker[]): string[] | undefined {
  const namespaces = new Set(workersOf(pool, workers).map(({ metadata }) => metadata.namespace));
  return namespaces.size <= maxListedNamespaces ? [...namespaces].toSorted() : undefined;
}

function workersOf({ metadata }: Pool, workers: readonly CountedWorker[]): readonly CountedWorker[] {
  const key = formatPoolKey(metadata);
  return workers.filter((worker) => formatPoolKey(poolOfWorker(worker)) === key);
}

/** `min` idle workers beside the allocated ones, at most `max`. */
function countDesired({ spec: { workers } }: Pool, allocated: number): number {
  const { min = 0, max = defaultMaxWorkers } = workers?.scaling ?? {};
  return Math.min(max, min + allocated);
}

/** Workers of a pool by state. No I/O. */
import { defaultMaxWorkers } from '../../api/limits.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { PoolStatus, WorkerPhase, WorkerStatus } from '../../api/status.ts';
import { RESOLVED_REFS } from '../lifecycle/reasons.ts';
import { formatPoolKey, poolOfWorker } from '../pool-reference.ts';

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

function stateOf({ metadata, status }: Worker): State | 'leaving' {
  const state = metadata.deletionTimestamp === undefined ? stateByPhase[status?.phase ?? 'Pending'] : 'leaving';
  return state !== 'leaving' && isRevoked(status) ? 'failed' : state;
}

/** A worker that nobody has judged yet was let in by admission. */
const isRevoked = (status: WorkerStatus | undefined): boolean =>
  (status?.conditions ?? []).some(({ type, status: isTrue }) => type === RESOLVED_REFS && isTrue === 'False');

/** Counts the workers that serve the pool, in every namespace; one being deleted counts nowhere. */
export function countWorkers(pool: Pool, workers: readonly Worker[]): WorkerCounts {
  const key = formatPoolKey(pool.metadata);
  const tally = { idle: 0, allocated: 0, provisioning: 0, failed: 0 };
  for (const worker of workers) {
    const state = stateOf(worker);
    if (state !== 'leaving' && formatPoolKey(poolOfWorker(worker)) === key) tally[state] += 1;
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

/** `min` idle workers beside the allocated ones, at most `max`. */
function countDesired({ spec: { workers } }: Pool, allocated: number): number {
  const { min = 0, max = defaultMaxWorkers } = workers?.scaling ?? {};
  return Math.min(max, min + allocated);
}

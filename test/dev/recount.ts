/**
 * What the numbers in a pool's status should be, counted anew from all objects by the rules of the documentation, and
 * without a line of what the function `status` counts with.
 */
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';

export interface Counted {
  readonly total: number;
  readonly ready: number;
  readonly idle: number;
  readonly allocated: number;
  readonly provisioning: number;
  readonly failed: number;
  readonly desired: number;
  readonly needed: number;
}

export function recount({ metadata, spec }: Pool, workers: readonly Worker[]): Counted {
  const words = workers.filter((worker) => serves(worker, metadata.namespace, metadata.name)).map(nameState);
  const count = (...states: readonly string[]) => words.filter((word) => states.includes(word)).length;
  const idle = count('Idle', 'Running');
  const allocated = count('Allocated');
  const provisioning = count('Pending', 'Provisioning');
  const failed = count('Failed');
  const desired = Math.min(spec.workers?.scaling?.max ?? 10, (spec.workers?.scaling?.min ?? 0) + allocated);
  return {
    total: idle + allocated + provisioning + failed,
    ready: idle + allocated,
    idle,
    allocated,
    provisioning,
    failed,
    desired,
    needed: Math.max(0, desired - idle - allocated - provisioning),
  };
}

const serves = ({ metadata, spec: { poolRef } }: Worker, namespace: string, name: string): boolean =>
  poolRef.name === name && (poolRef.namespace ?? metadata.namespace) === namespace;

/** Who is being deleted is nothing, who lost the grant has failed, whatever the phase says. */
function nameState({ metadata, status }: Worker): string {
  if (metadata.deletionTimestamp !== undefined || status?.phase === 'Terminating') return 'nothing';
  const refs = status?.conditions?.find(({ type }) => type === 'ResolvedRefs');
  return refs?.status === 'False' ? 'Failed' : (status?.phase ?? 'Pending');
}

/** What is told of a worker when its status is written. No I/O. */
import type { WorkerStatus } from '../../api/status.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { READY, RESOLVED_REFS, WORKER_REASONS } from '../lifecycle/reasons.ts';
import { ACTIONS, hasNewReason, isWorthTellingOfRefs, listChanges, type Change, type Told } from './event.ts';

/** That its reference does not count, and why; that it counts again; that it serves; and what keeps it from that. */
export function tellOfWorker({ metadata, status: stored }: Worker, status: WorkerStatus): readonly Told[] {
  return listChanges(stored?.conditions, status.conditions)
    .filter(isWorthTelling)
    .map(({ after }) => ({
      kind: 'BuildKitWorker',
      metadata,
      type: after.status === 'True' ? 'Normal' : 'Warning',
      reason: after.reason,
      action: after.type === READY ? ACTIONS.make : ACTIONS.reference,
      note: after.message,
    }));
}

/** What every worker goes through on its way. */
const ordinary: ReadonlySet<string> = new Set([
  WORKER_REASONS.noPod,
  WORKER_REASONS.starting,
  WORKER_REASONS.ending,
  WORKER_REASONS.noSandbox,
]);

function isWorthTelling(change: Change): boolean {
  const { after } = change;
  if (after.type === RESOLVED_REFS) return isWorthTellingOfRefs(change);
  return after.type === READY && hasNewReason(change) && !ordinary.has(after.reason);
}

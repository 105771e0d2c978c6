/** Events about a worker whose status is written. No I/O. */
import type { WorkerStatus } from '../../api/status.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { READY, RESOLVED_REFS, WORKER_REASONS } from '../lifecycle/reasons.ts';
import { ACTIONS, hasNewReason, isReferenceReportable, listChanges, type Change, type ObjectEvent } from './event.ts';

/** Reports that the reference fails and why, that it holds again, that the worker serves, and what keeps it from serving. */
export function makeWorkerEvents({ metadata, status: stored }: Worker, status: WorkerStatus): readonly ObjectEvent[] {
  return listChanges(stored?.conditions, status.conditions)
    .filter(isReportable)
    .map(({ after }) => ({
      kind: 'BuildKitWorker',
      metadata,
      type: after.status === 'True' ? 'Normal' : 'Warning',
      reason: after.reason,
      action: after.type === READY ? ACTIONS.make : ACTIONS.reference,
      note: after.message,
    }));
}

/** Reasons that every worker has at some time. */
const ordinary: ReadonlySet<string> = new Set([
  WORKER_REASONS.noPod,
  WORKER_REASONS.starting,
  WORKER_REASONS.ending,
  WORKER_REASONS.noSandbox,
]);

function isReportable(change: Change): boolean {
  const { after } = change;
  if (after.type === RESOLVED_REFS) return isReferenceReportable(change);
  return after.type === READY && hasNewReason(change) && !ordinary.has(after.reason);
}

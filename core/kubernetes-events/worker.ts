/** What is told of a worker when its status is written. No I/O. */
import type { WorkerStatus } from '../../api/status.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import { RESOLVED_REFS } from '../lifecycle/reasons.ts';
import { ACTIONS, isWorthTellingOfRefs, listChanges, type Told } from './event.ts';

/** That its reference does not count, and why; and that it counts again. */
export function tellOfWorker({ metadata, status: stored }: Worker, status: WorkerStatus): readonly Told[] {
  return listChanges(stored?.conditions, status.conditions)
    .filter((change) => change.after.type === RESOLVED_REFS && isWorthTellingOfRefs(change))
    .map(({ after }) => ({
      kind: 'BuildKitWorker',
      metadata,
      type: after.status === 'True' ? 'Normal' : 'Warning',
      reason: after.reason,
      action: ACTIONS.reference,
      note: after.message,
    }));
}

/** Events about a pool whose status is written. No I/O. */
import type { PoolStatus } from '../../api/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { CONDITION_TYPES, REASONS } from '../status/reasons.ts';
import {
  ACTIONS,
  hasNewReason,
  hasNewStatus,
  isReferenceReportable,
  listChanges,
  type Change,
  type ObjectEvent,
} from './event.ts';

/** Empty where no condition changed. */
export function makePoolEvents({ metadata, status: stored }: Pool, status: PoolStatus): readonly ObjectEvent[] {
  return listChanges(stored?.conditions, status.conditions)
    .filter(isReportable)
    .map(({ before, after }) => ({
      kind: 'BuildKitPool',
      metadata,
      type: after.status === 'True' || isBirth({ before, after }) ? 'Normal' : 'Warning',
      reason: after.reason,
      action: ACTIONS.status,
      note: after.message,
    }));
}

/** A pool that was just created is not ready yet: that is no warning. */
const isBirth = ({ before, after }: Change): boolean => before === undefined && after.type === CONDITION_TYPES.ready;

/**
 * `Ready` is reported when its status changes: its reason only repeats that of another condition. The other conditions are
 * reported once they had another value before. The end of a pool is not reported: who deletes it knows, and its namespace
 * may accept no more Events.
 */
function isReportable(change: Change): boolean {
  const { type, reason } = change.after;
  if (type === CONDITION_TYPES.ready) return reason !== REASONS.terminating && hasNewStatus(change);
  if (type === CONDITION_TYPES.resolvedRefs) return isReferenceReportable(change);
  const isPart = type === CONDITION_TYPES.gatewayReady || type === CONDITION_TYPES.workersReady;
  return isPart && change.before !== undefined && hasNewReason(change);
}

/** What is told of a pool when its status is written. No I/O. */
import type { PoolStatus } from '../../api/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { CONDITION_TYPES, REASONS } from '../status/reasons.ts';
import {
  ACTIONS,
  hasNewReason,
  hasNewStatus,
  isWorthTellingOfRefs,
  listChanges,
  type Change,
  type Told,
} from './event.ts';

/** Nothing where no condition says anything new. */
export function tellOfPool({ metadata, status: stored }: Pool, status: PoolStatus): readonly Told[] {
  return listChanges(stored?.conditions, status.conditions)
    .filter(isWorthTelling)
    .map(({ before, after }) => ({
      kind: 'BuildKitPool',
      metadata,
      type: after.status === 'True' || isBirth({ before, after }) ? 'Normal' : 'Warning',
      reason: after.reason,
      action: ACTIONS.status,
      note: after.message,
    }));
}

/** A pool that was just made is not ready yet, which is nothing to warn of. */
const isBirth = ({ before, after }: Change): boolean => before === undefined && after.type === CONDITION_TYPES.ready;

/**
 * `Ready` by its status alone: its reason points at one of the others. Those are told of once they were something else.
 * Of its end a pool tells nothing: whoever deletes it knows, and its namespace may take no Events any more.
 */
function isWorthTelling(change: Change): boolean {
  const { type, reason } = change.after;
  if (type === CONDITION_TYPES.ready) return reason !== REASONS.terminating && hasNewStatus(change);
  if (type === CONDITION_TYPES.resolvedRefs) return isWorthTellingOfRefs(change);
  const isPart = type === CONDITION_TYPES.gatewayReady || type === CONDITION_TYPES.workersReady;
  return isPart && change.before !== undefined && hasNewReason(change);
}

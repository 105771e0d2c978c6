/** A Kubernetes Event (events.k8s.io/v1) about an object, without who reports it and when. No I/O. */
import type { Condition, ObjectMeta } from '../../api/fields.ts';
import type { KINDS } from '../../api/names.ts';

export type OurKind = (typeof KINDS)[keyof typeof KINDS]['kind'];

export interface ObjectEvent {
  readonly kind: OurKind;
  /** Metadata of the object as it was read. */
  readonly metadata: ObjectMeta;
  readonly type: 'Normal' | 'Warning';
  /** What happened: the reason of a condition. */
  readonly reason: string;
  /** What the part was doing. */
  readonly action: string;
  /** For a person. */
  readonly note: string;
}

/** What the part was doing when it happened. */
export const ACTIONS = {
  status: 'ComputeStatus',
  reference: 'CheckReference',
  issuer: 'DiscoverIssuer',
  make: 'MakeObjects',
} as const;

/** The apiserver refuses the computed status. Until somebody mends that, the object shows its former status. */
export const STATUS_REFUSED = 'StatusRefused';

export const makeStatusRefusedEvent = (kind: OurKind, metadata: ObjectMeta): ObjectEvent => ({
  kind,
  metadata,
  type: 'Warning',
  reason: STATUS_REFUSED,
  action: ACTIONS.status,
  note: 'the apiserver refuses the status that was computed: what stands here is older',
});

export interface Change {
  readonly before: Condition | undefined;
  readonly after: Condition;
}

/** By the types of the conditions as they are now. */
export const listChanges = (
  before: readonly Condition[] | undefined = [],
  after: readonly Condition[] | undefined = [],
): readonly Change[] =>
  after.map((condition) => ({ before: before.find(({ type }) => type === condition.type), after: condition }));

export const hasNewStatus = ({ before, after }: Change): boolean => before?.status !== after.status;

/**
 * A reference that fails is reported with each new reason, one that holds only after it failed. `Unknown` is not reported:
 * the next run replaces it.
 */
export function isReferenceReportable(change: Change): boolean {
  const { before, after } = change;
  return after.status === 'False' ? hasNewReason(change) : after.status === 'True' && before?.status === 'False';
}

export const hasNewReason = (change: Change): boolean =>
  hasNewStatus(change) || change.before?.reason !== change.after.reason;

/** What is told of an object as a Kubernetes Event (events.k8s.io/v1), but for who tells it and when. No I/O. */
import type { Condition, ObjectMeta } from '../../api/fields.ts';
import type { KINDS } from '../../api/names.ts';

export type OurKind = (typeof KINDS)[keyof typeof KINDS]['kind'];

export interface Told {
  readonly kind: OurKind;
  /** Of the object as it was read. */
  readonly metadata: ObjectMeta;
  readonly type: 'Normal' | 'Warning';
  /** What happened: the reason of a condition. */
  readonly reason: string;
  /** What was being done. */
  readonly action: string;
  /** For a person. */
  readonly note: string;
}

/** What was being done when it happened. */
export const ACTIONS = {
  status: 'ComputeStatus',
  reference: 'CheckReference',
  issuer: 'DiscoverIssuer',
  make: 'MakeObjects',
} as const;

/** The apiserver refuses what was computed: until somebody mends it, the object shows what was true before. */
export const STATUS_REFUSED = 'StatusRefused';

export const tellRefused = (kind: OurKind, metadata: ObjectMeta): Told => ({
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

/** That references are good is the rule, and by which rule makes no difference; what is not known yet soon is. */
export function isWorthTellingOfRefs(change: Change): boolean {
  const { before, after } = change;
  return after.status === 'False' ? hasNewReason(change) : after.status === 'True' && before?.status === 'False';
}

export const hasNewReason = (change: Change): boolean =>
  hasNewStatus(change) || change.before?.reason !== change.after.reason;

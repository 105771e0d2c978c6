/** What is told of a pool whose object can't be made. No I/O. */
import type { Pool } from '../../api/v1beta1/pool.ts';
import { ACTIONS, type Told } from './event.ts';

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** `conflict`: somebody else's has its name. `unavailable`: the cluster has no such kind, or the install no right to it. */
export type NotMade = 'conflict' | 'unavailable';

const reasons: Readonly<Record<NotMade, { readonly reason: string; readonly say: (object: Named) => string }>> = {
  conflict: {
    reason: 'NameConflict',
    say: ({ kind, metadata: { name } }) =>
      `${kind} "${name}" is there and belongs to somebody else: rename it, or delete it`,
  },
  unavailable: {
    reason: 'KindUnavailable',
    say: ({ kind }) => `${kind} objects can't be made: the cluster lacks the kind, or the install the right to it`,
  },
};

export const tellOfObject = ({ metadata }: Pool, object: Named, notMade: NotMade): Told => ({
  kind: 'BuildKitPool',
  metadata,
  type: 'Warning',
  reason: reasons[notMade].reason,
  action: ACTIONS.make,
  note: reasons[notMade].say(object),
});

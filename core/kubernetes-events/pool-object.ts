/** Events about a pool whose object or name is somebody else's, or can't be had. No I/O. */
import type { Pool } from '../../api/v1beta1/pool.ts';
import { ACTIONS, type ObjectEvent } from './event.ts';

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** `conflict`: an object that is not ours has the name. `unavailable`: the cluster lacks the kind, or the install the right to it. */
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

export const makeObjectEvent = ({ metadata }: Pool, object: Named, notMade: NotMade): ObjectEvent => ({
  kind: 'BuildKitPool',
  metadata,
  type: 'Warning',
  reason: reasons[notMade].reason,
  action: ACTIONS.make,
  note: reasons[notMade].say(object),
});

/** Its gateway gets no certificate for the name. */
export const makeHostnameEvent = ({ metadata }: Pool, hostname: string): ObjectEvent => ({
  kind: 'BuildKitPool',
  metadata,
  type: 'Warning',
  reason: 'HostnameConflict',
  action: ACTIONS.make,
  note: `hostname "${hostname}" belongs to an older pool: the gateway shows no certificate for it`,
});

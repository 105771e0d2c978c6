/** CloudEvents 1.0, binary mode over HTTP, with the attributes that Knative's ApiServerSource sets. No I/O. */
import type { ObjectMeta } from '../../api/fields.ts';
import { PING_EVENT_TYPE, RESOURCE_EVENT_TYPES } from './types.ts';

export interface WatchedKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
}

export interface Change {
  readonly change: keyof typeof RESOURCE_EVENT_TYPES;
  /** The whole object; after a delete its last state. Lists leave apiVersion and kind out. */
  readonly object: { readonly metadata: WatchedMeta };
}

/** The namespace is absent where the kind has none. */
export type WatchedMeta = Pick<ObjectMeta, 'name' | 'uid' | 'resourceVersion'> & Partial<Pick<ObjectMeta, 'namespace'>>;

export interface EventOrigin {
  /** Unique per event, the same at each attempt to deliver it. */
  readonly id: string;
  /** URL of the apiserver. */
  readonly source: string;
}

export interface CloudEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function makeEvent(
  { apiVersion, kind, plural }: WatchedKind,
  { change, object }: Change,
  origin: EventOrigin,
): CloudEvent {
  const { namespace, name } = object.metadata;
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return {
    headers: {
      ...makeHeaders(RESOURCE_EVENT_TYPES[change], origin),
      'ce-subject': `/apis/${apiVersion}${scope}/${plural}/${name}`,
      'ce-apiversion': apiVersion,
      'ce-kind': kind,
      'ce-name': name,
      ...(namespace === undefined ? {} : { 'ce-namespace': namespace }),
    },
    body: JSON.stringify({ ...object, apiVersion, kind }),
  };
}

/** What a PingSource sends: everything is to be looked at again. */
export const makeResync = (origin: EventOrigin): CloudEvent => ({
  headers: makeHeaders(PING_EVENT_TYPE, origin),
  body: JSON.stringify({ resync: 'all' }),
});

const makeHeaders = (type: string, { id, source }: EventOrigin) => ({
  'content-type': 'application/json',
  'ce-specversion': '1.0',
  'ce-id': id,
  'ce-source': source,
  'ce-type': type,
});

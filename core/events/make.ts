/** CloudEvents 1.0, binary mode over HTTP, with the attributes that Knative's ApiServerSource sets. No I/O. */
import type { ObjectMeta } from '../../api/fields.ts';
import { RESOURCE_EVENT_TYPES } from './types.ts';

export interface WatchedKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
}

export interface Change {
  readonly change: keyof typeof RESOURCE_EVENT_TYPES;
  /** The whole object; after a delete its last state. Lists leave apiVersion and kind out. */
  readonly object: { readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'uid' | 'resourceVersion'> };
}

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
  return {
    headers: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': origin.id,
      'ce-source': origin.source,
      'ce-type': RESOURCE_EVENT_TYPES[change],
      'ce-subject': `/apis/${apiVersion}/namespaces/${namespace}/${plural}/${name}`,
      'ce-apiversion': apiVersion,
      'ce-kind': kind,
      'ce-name': name,
      'ce-namespace': namespace,
    },
    body: JSON.stringify({ ...object, apiVersion, kind }),
  };
}

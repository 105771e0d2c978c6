/** What is held of a listed object's metadata. */
import type { ObjectMeta } from '../../api/fields.ts';

/** Annotations and the record of who wrote what may be a hundred times as large as the rest: they are let go at once. */
export function keepIdentity(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp } = metadata;
  return {
    name,
    namespace,
    uid,
    resourceVersion,
    ...(generation === undefined ? {} : { generation }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
  };
}

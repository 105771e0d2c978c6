/** Writes the status of one of our objects, whole, as it was computed from the object as it was read. */
import type { ObjectMeta } from '../../api/fields.ts';
import { isSameJson } from '../../core/json.ts';
import type { ApplyResult } from '../../core/status/observed.ts';
import { KubeError } from './errors.ts';
import type { Resource } from './resources.ts';

export interface Computed {
  /** Of the object as it was read. */
  readonly metadata: ObjectMeta;
  readonly status: object;
}

/** @throws {KubeError} */
export async function applyStatus(objects: Resource<Written>, computed: Computed): Promise<ApplyResult> {
  try {
    const written = await applyFields(objects, computed);
    // Applying can't remove what another field manager owns, such as an older controller.
    const last = isSameJson(written.status, computed.status)
      ? written
      : await replace(objects, { metadata: written.metadata, status: computed.status });
    return { written: last.metadata.resourceVersion };
  } catch (error) {
    if (error instanceof KubeError && error.status === 409) return 'stale';
    if (error instanceof KubeError && error.status === 404) return 'gone';
    throw error;
  }
}

interface Written {
  readonly metadata: ObjectMeta;
  readonly status?: object;
}

const toStatus = { subresource: 'status' } as const;

function applyFields({ apply }: Resource<Written>, { metadata, status }: Computed): Promise<Written> {
  const { namespace, name, resourceVersion } = metadata;
  return apply({ metadata: { namespace, name, resourceVersion }, status }, toStatus);
}

/** JSON Patch (RFC 6902); writing the resourceVersion makes the apiserver compare it. */
const replace = ({ patch }: Resource<Written>, { metadata, status }: Computed): Promise<Written> =>
  patch(
    metadata,
    [
      { op: 'replace', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
      { op: 'replace', path: '/status', value: status },
    ],
    toStatus,
  );

/** Writes the status of one of our objects, whole, as it was computed from the object as it was read. */
import type { ObjectMeta } from '../../api/fields.ts';
import { STATUS_FIELD_MANAGER, STORAGE_API_VERSION, type KINDS } from '../../api/names.ts';
import { isSameJson } from '../../core/json.ts';
import type { Applied } from '../../core/status/observed.ts';
import { KubeError, type KubeClient } from './client.ts';
import { ourObjectPath } from './paths.ts';

type Kube = Pick<KubeClient, 'call'>;
type Kind = (typeof KINDS)[keyof typeof KINDS];

export interface Computed {
  /** Of the object as it was read. */
  readonly metadata: ObjectMeta;
  readonly status: object;
}

/** @throws {KubeError} */
export async function applyStatus(kube: Kube, kind: Kind, computed: Computed): Promise<Applied> {
  try {
    const written = await applyFields(kube, kind, computed);
    // Applying can't remove what another field manager owns, such as an older controller.
    const last = isSameJson(written.status, computed.status)
      ? written
      : await replace(kube, kind, { metadata: written.metadata, status: computed.status });
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

const statusPath = ({ plural }: Kind, { namespace, name }: ObjectMeta): string =>
  ourObjectPath(plural, { namespace, name, subresource: 'status' });

/** Server-side apply takes JSON under its YAML content type. */
async function applyFields(kube: Kube, kind: Kind, { metadata, status }: Computed): Promise<Written> {
  const { namespace, name, resourceVersion } = metadata;
  return (await kube.call({
    method: 'PATCH',
    path: statusPath(kind, metadata),
    query: { fieldManager: STATUS_FIELD_MANAGER, force: 'true' },
    contentType: 'application/apply-patch+yaml',
    body: {
      apiVersion: STORAGE_API_VERSION,
      kind: kind.kind,
      metadata: { namespace, name, resourceVersion },
      status,
    },
  })) as Written;
}

/** JSON Patch (RFC 6902); writing the resourceVersion makes the apiserver compare it. */
async function replace(kube: Kube, kind: Kind, { metadata, status }: Computed): Promise<Written> {
  return (await kube.call({
    method: 'PATCH',
    path: statusPath(kind, metadata),
    query: { fieldManager: STATUS_FIELD_MANAGER },
    contentType: 'application/json-patch+json',
    body: [
      { op: 'replace', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
      { op: 'replace', path: '/status', value: status },
    ],
  })) as Written;
}

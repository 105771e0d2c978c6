/** The ConfigMap of our own namespace that tells which roots to trust. */
import { LABELS, MANAGED_BY, PUBLISHED_ANNOTATION, SYSTEM_NAMESPACE, TRUST_BUNDLE } from '../../api/names.ts';
import { orUndefined, type KubeClient } from './client.ts';

export interface Trust {
  /** PEM. */
  readonly roots: string;
  /** JSON. */
  readonly status: string;
  /** RFC 3339. */
  readonly publishedAt: string;
}

export type StoredTrust = Partial<Trust> & { readonly resourceVersion: string };

export interface TrustBundle {
  /** Undefined where there is none. */
  readonly get: () => Promise<StoredTrust | undefined>;
  /** What stands then. @throws {KubeError} 409 when somebody wrote it since it was read. */
  readonly write: (read: StoredTrust | undefined, trust: Trust) => Promise<StoredTrust>;
}

interface ConfigMap {
  readonly metadata: { readonly resourceVersion: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
}

const collection = `/api/v1/namespaces/${SYSTEM_NAMESPACE}/configmaps`;
const path = `${collection}/${TRUST_BUNDLE.configMap}`;

export const createTrustBundle = (kube: Pick<KubeClient, 'call'>): TrustBundle => ({
  get: async () => {
    const found = (await orUndefined(kube.call({ path }))) as ConfigMap | undefined;
    return found && readTrust(found);
  },
  write: async (read, trust) => {
    const body = makeConfigMap(trust, read?.resourceVersion);
    const answer =
      read === undefined
        ? await kube.call({ method: 'POST', path: collection, body })
        : await kube.call({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body });
    return readTrust(answer as ConfigMap);
  },
});

function readTrust({ metadata, data = {} }: ConfigMap): StoredTrust {
  const { [TRUST_BUNDLE.roots]: roots, [TRUST_BUNDLE.status]: status } = data;
  const publishedAt = metadata.annotations?.[PUBLISHED_ANNOTATION];
  return {
    resourceVersion: metadata.resourceVersion,
    ...(roots === undefined ? {} : { roots }),
    ...(status === undefined ? {} : { status }),
    ...(publishedAt === undefined ? {} : { publishedAt }),
  };
}

const makeConfigMap = ({ roots, status, publishedAt }: Trust, resourceVersion: string | undefined): unknown => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: TRUST_BUNDLE.configMap,
    namespace: SYSTEM_NAMESPACE,
    labels: { [LABELS.managedBy]: MANAGED_BY },
    annotations: { [PUBLISHED_ANNOTATION]: publishedAt },
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  },
  data: { [TRUST_BUNDLE.roots]: roots, [TRUST_BUNDLE.status]: status },
});

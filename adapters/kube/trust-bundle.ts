/** The ConfigMap of our own namespace that tells which roots to trust. */
import { LABELS, MANAGED_BY, PUBLISHED_ANNOTATION, SYSTEM_NAMESPACE, TRUST_BUNDLE } from '../../api/names.ts';
import type { V1ConfigMap } from '@kubernetes/client-node';
import type { Kube } from './api.ts';
import type { Json } from './json.ts';
import { configMaps } from './resources.ts';

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

const key = { namespace: SYSTEM_NAMESPACE, name: TRUST_BUNDLE.configMap };

export function createTrustBundle(kube: Kube): TrustBundle {
  const { get, create, patch } = configMaps(kube);
  return {
    get: async () => {
      const found = await get(key);
      return found && readTrust(found);
    },
    write: async (read, trust) => {
      const configMap = makeConfigMap(trust, read?.resourceVersion);
      return readTrust(await (read === undefined ? create(configMap) : patch(key, configMap)));
    },
  };
}

function readTrust({ metadata, data = {} }: Json<V1ConfigMap>): StoredTrust {
  const { [TRUST_BUNDLE.roots]: roots, [TRUST_BUNDLE.status]: status } = data;
  const publishedAt = metadata?.annotations?.[PUBLISHED_ANNOTATION];
  return {
    resourceVersion: metadata?.resourceVersion ?? '',
    ...(roots === undefined ? {} : { roots }),
    ...(status === undefined ? {} : { status }),
    ...(publishedAt === undefined ? {} : { publishedAt }),
  };
}

const makeConfigMap = ({ roots, status, publishedAt }: Trust, resourceVersion: string | undefined) => ({
  metadata: {
    ...key,
    labels: { [LABELS.managedBy]: MANAGED_BY },
    annotations: { [PUBLISHED_ANNOTATION]: publishedAt },
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  },
  data: { [TRUST_BUNDLE.roots]: roots, [TRUST_BUNDLE.status]: status },
});

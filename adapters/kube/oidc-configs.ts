/** BuildKitOIDCConfigs, and the directory of the issuers that they and pools name. */
import { issuerMemoryMs } from '../../api/limits/issuers.ts';
import { KINDS } from '../../api/names.ts';
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { NamedIssuer } from '../../core/admission/validate-oidc-config.ts';
import { makeDirectory, type Directory } from '../../core/oidc/directory.ts';
import type { IssuerPolicy } from '../../core/oidc/trusted-issuer.ts';
import type { KubeClient } from './client.ts';
import { keepIdentity } from './lean.ts';
import { listAll, listPage } from './list.ts';
import { ourCollectionPath, ourNamespacedCollectionPath } from './paths.ts';

/** The reader throws KubeError when the apiserver can't say. */
export const createOidcConfigLister =
  (kube: Pick<KubeClient, 'call'>) =>
  async (namespace: string): Promise<readonly NamedIssuer[]> => {
    const path = ourNamespacedCollectionPath(KINDS.oidcConfig.plural, namespace);
    const { items } = await listPage<OidcConfig>(kube, { path });
    return items.map(({ metadata: { name }, spec: { issuer, audience } }) => ({ name, issuer, audience }));
  };

/** Every config of a namespace, or of all. @throws {KubeError} */
export async function listOidcConfigs(kube: KubeClient, namespace?: string): Promise<readonly OidcConfig[]> {
  const { plural } = KINDS.oidcConfig;
  const path = namespace === undefined ? ourCollectionPath(plural) : ourNamespacedCollectionPath(plural, namespace);
  return (await listAll<OidcConfig>(kube, { path }, keepTerms)).items;
}

const keepTerms = ({ metadata, spec, status }: OidcConfig): OidcConfig => ({
  metadata: keepIdentity(metadata),
  spec,
  ...(status === undefined ? {} : { status }),
});

export interface DirectoryOptions extends IssuerPolicy {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * The directory as it was at most `issuerMemoryMs` ago, read when it is asked for; those who ask at one time share one
 * read. The reader throws KubeError when the apiserver can't say.
 */
export function createDirectoryReader(
  kube: KubeClient,
  { now, ...policy }: DirectoryOptions,
): () => Promise<Directory> {
  let readAtMs = -Infinity;
  let directory: Promise<Directory> | undefined;
  return async () => {
    if (directory !== undefined && now() - readAtMs < issuerMemoryMs) return await directory;
    readAtMs = now();
    const reading = readDirectory(kube, policy);
    directory = reading;
    reading.catch(() => {
      if (directory === reading) directory = undefined;
    });
    return await reading;
  };
}

async function readDirectory(kube: KubeClient, policy: IssuerPolicy): Promise<Directory> {
  const [configs, pools] = await Promise.all([
    listOidcConfigs(kube),
    listAll<Pool>(kube, { path: ourCollectionPath(KINDS.pool.plural) }, keepAccess),
  ]);
  return makeDirectory(configs, pools.items, policy);
}

/** Which pools trust whom; of the others nothing is held but the name. */
const keepAccess = ({ metadata: { name, namespace, uid, resourceVersion, generation }, spec }: Pool): Pool => ({
  metadata: { name, namespace, uid, resourceVersion, ...(generation === undefined ? {} : { generation }) },
  spec: spec.access?.oidc === undefined ? {} : { access: { oidc: spec.access.oidc } },
});

/** BuildKitOIDCConfigs, and the directory of the issuers that they and pools name. */
import { issuerCacheMs } from '../../api/limits/issuers.ts';
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { NamedIssuer } from '../../core/admission/validate-oidc-config.ts';
import { makeDirectory, type Directory } from '../../core/oidc/directory.ts';
import type { IssuerPolicy } from '../../core/oidc/trusted-issuer.ts';
import type { Kube } from './api.ts';
import { keepIdentity } from './lean.ts';
import { oidcConfigs, pools } from './resources.ts';

/** The reader throws KubeError when the apiserver can't say. */
export const createOidcConfigLister =
  (kube: Kube) =>
  async (namespace: string): Promise<readonly NamedIssuer[]> => {
    const { items } = await oidcConfigs(kube).listFirstPage({ namespace });
    return items.map(({ metadata: { name }, spec: { issuer, audience } }) => ({ name, issuer, audience }));
  };

/** Every config of a namespace, or of all. @throws {KubeError} */
export async function listOidcConfigs(kube: Kube, namespace?: string): Promise<readonly OidcConfig[]> {
  return (await oidcConfigs(kube).list({ namespace }, keepTerms)).items;
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
export function createDirectoryReader(kube: Kube, { now, ...policy }: DirectoryOptions): () => Promise<Directory> {
  let readAtMs = -Infinity;
  let directory: Promise<Directory> | undefined;
  return async () => {
    if (directory !== undefined && now() - readAtMs < issuerCacheMs) return await directory;
    readAtMs = now();
    const reading = readDirectory(kube, policy);
    directory = reading;
    reading.catch(() => {
      if (directory === reading) directory = undefined;
    });
    return await reading;
  };
}

async function readDirectory(kube: Kube, policy: IssuerPolicy): Promise<Directory> {
  const [configs, found] = await Promise.all([listOidcConfigs(kube), pools(kube).list({}, keepAccess)]);
  return makeDirectory(configs, found.items, policy);
}

/** Which pools trust whom; of the others nothing is held but the name. */
const keepAccess = ({ metadata: { name, namespace, uid, resourceVersion, generation }, spec }: Pool): Pool => ({
  metadata: { name, namespace, uid, resourceVersion, ...(generation === undefined ? {} : { generation }) },
  spec: spec.access?.oidc === undefined ? {} : { access: { oidc: spec.access.oidc } },
});

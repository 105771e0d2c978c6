/** BuildKitOIDCConfigs of a namespace. */
import { KINDS } from '../../api/names.ts';
import type { OidcConfig } from '../../api/v1beta1/oidc-config.ts';
import type { NamedIssuer } from '../../core/admission/validate-oidc-config.ts';
import type { KubeClient } from './client.ts';
import { listPage } from './list.ts';
import { ourNamespacedCollectionPath } from './paths.ts';

/** The reader throws KubeError when the apiserver can't say. */
export const createOidcConfigLister =
  (kube: Pick<KubeClient, 'call'>) =>
  async (namespace: string): Promise<readonly NamedIssuer[]> => {
    const path = ourNamespacedCollectionPath(KINDS.oidcConfig.plural, namespace);
    const { items } = await listPage<OidcConfig>(kube, { path });
    return items.map(({ metadata: { name }, spec: { issuer, audience } }) => ({ name, issuer, audience }));
  };

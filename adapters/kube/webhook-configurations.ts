/** Tells the apiserver which CA our webhooks serve with. */
import { WEBHOOK_CONFIGURATION } from '../../api/names.ts';
import { orUndefined, type KubeClient } from './client.ts';

interface WebhookConfiguration {
  readonly metadata: { readonly resourceVersion: string };
  readonly webhooks?: readonly { readonly name: string; readonly clientConfig: { readonly caBundle?: string } }[];
}

const resources = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];

/** Writes the bundle (PEM) where a configuration exists and says otherwise; answers with the resources it changed. */
export const createCaBundleWriter =
  (kube: KubeClient) =>
  async (caBundle: string): Promise<string[]> => {
    const encoded = Buffer.from(caBundle).toString('base64');
    const changed: string[] = [];
    for (const resource of resources) if (await write(kube, resource, encoded)) changed.push(resource);
    return changed;
  };

async function write(kube: KubeClient, resource: string, caBundle: string): Promise<boolean> {
  const path = `/apis/admissionregistration.k8s.io/v1/${resource}/${WEBHOOK_CONFIGURATION}`;
  const found = (await orUndefined(kube.call({ path }))) as WebhookConfiguration | undefined;
  const webhooks = (found?.webhooks ?? [])
    .filter(({ clientConfig }) => clientConfig.caBundle !== caBundle)
    .map(({ name }) => ({ name, clientConfig: { caBundle } }));
  if (found === undefined || webhooks.length === 0) return false;
  await kube.call({
    method: 'PATCH',
    path,
    // Merges the list by name, so everything else in an entry stays as it is.
    contentType: 'application/strategic-merge-patch+json',
    body: { metadata: { resourceVersion: found.metadata.resourceVersion }, webhooks },
  });
  return true;
}

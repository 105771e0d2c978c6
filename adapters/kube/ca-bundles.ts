/** Tells the apiserver which CA our webhooks serve with: for admission and for conversion. */
import { definitionTimeoutMs } from '../../api/limits/authority.ts';
import { GROUP, KINDS, WEBHOOK_CONFIGURATION } from '../../api/names.ts';
import { orUndefined, type KubeClient } from './client.ts';

interface ClientConfig {
  readonly caBundle?: string;
}
interface Stored {
  readonly metadata: { readonly resourceVersion: string };
}
interface WebhookConfiguration extends Stored {
  readonly webhooks?: readonly { readonly name: string; readonly clientConfig: ClientConfig }[];
}
interface CustomResourceDefinition extends Stored {
  readonly spec: { readonly conversion?: { readonly webhook?: { readonly clientConfig?: ClientConfig } } };
}

/** An object with a CA bundle in it. */
interface Place {
  readonly path: string;
  readonly contentType: string;
  /** The change that writes the bundle; undefined where it stands already or has no place. */
  readonly plan: (found: unknown, caBundle: string) => object | undefined;
}

const webhookConfigurations: readonly Place[] = ['mutating', 'validating'].map((kind) => ({
  path: `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations/${WEBHOOK_CONFIGURATION}`,
  // Merges the list by name, so everything else in an entry stays as it is.
  contentType: 'application/strategic-merge-patch+json',
  plan: (found, caBundle) => {
    const { webhooks = [] } = found as WebhookConfiguration;
    const changed = webhooks
      .filter(({ clientConfig }) => clientConfig.caBundle !== caBundle)
      .map(({ name }) => ({ name, clientConfig: { caBundle } }));
    return changed.length === 0 ? undefined : { webhooks: changed };
  },
}));

const definitions: readonly Place[] = Object.values(KINDS).map(({ plural }) => ({
  path: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${GROUP}`,
  contentType: 'application/merge-patch+json',
  plan: (found, caBundle) => {
    const clientConfig = (found as CustomResourceDefinition).spec.conversion?.webhook?.clientConfig;
    // Every change of a CRD ends its watches: none is made for nothing.
    if (clientConfig === undefined || clientConfig.caBundle === caBundle) return undefined;
    return { spec: { conversion: { webhook: { clientConfig: { caBundle } } } } };
  },
}));

/** Writes the bundle (PEM) where an object exists and says otherwise; answers with the paths it changed. */
export const createCaBundleWriter =
  (kube: Pick<KubeClient, 'call'>) =>
  async (caBundle: string): Promise<string[]> => {
    const encoded = Buffer.from(caBundle).toString('base64');
    const changed: string[] = [];
    for (const place of [...definitions, ...webhookConfigurations]) {
      if (await write(kube, place, encoded)) changed.push(place.path);
    }
    return changed;
  };

async function write(
  kube: Pick<KubeClient, 'call'>,
  { path, contentType, plan }: Place,
  caBundle: string,
): Promise<boolean> {
  const found = (await orUndefined(kube.call({ path }))) as Stored | undefined;
  const change = found === undefined ? undefined : plan(found, caBundle);
  if (found === undefined || change === undefined) return false;
  const { resourceVersion } = found.metadata;
  const body = { metadata: { resourceVersion }, ...change };
  await kube.call({ method: 'PATCH', path, contentType, body, timeoutMs: definitionTimeoutMs });
  return true;
}

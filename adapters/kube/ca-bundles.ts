/** Writes the CA that our webhooks serve with to where the apiserver reads it: for admission and for conversion. */
import { AdmissionregistrationV1Api, ApiextensionsV1Api } from '#client-node';
import { definitionTimeoutMs } from '../../api/limits/authority.ts';
import { GROUP, KINDS, WEBHOOK_CONFIGURATION } from '../../api/names.ts';
import { apiOf, type Kube } from './api.ts';
import { orUndefined } from './errors.ts';

interface Stored {
  readonly metadata?: { readonly resourceVersion?: string };
}

/** An object with a CA bundle in it. */
interface Holder {
  readonly path: string;
  readonly read: () => Promise<Stored>;
  /** The change that writes the bundle; undefined where it is written already or has nowhere to go. */
  readonly plan: (found: never, caBundle: string) => object | undefined;
  readonly patch: (body: object) => Promise<unknown>;
}

interface WebhookConfiguration {
  readonly webhooks?: readonly { readonly name: string; readonly clientConfig: { readonly caBundle?: string } }[];
}

function holdWebhooks(kube: Kube, kind: 'Mutating' | 'Validating'): Holder {
  const name = WEBHOOK_CONFIGURATION;
  // Merges the list by name, so everything else in an entry stays as it is.
  const contentType = 'application/strategic-merge-patch+json';
  const api = apiOf(kube, AdmissionregistrationV1Api, { contentType, timeoutMs });
  return {
    path: `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}webhookconfigurations/${name}`,
    read: () => api[`read${kind}WebhookConfiguration`]({ name }),
    plan: ({ webhooks = [] }: WebhookConfiguration, caBundle) => {
      const changed = webhooks
        .filter(({ clientConfig }) => clientConfig.caBundle !== caBundle)
        .map((webhook) => ({ name: webhook.name, clientConfig: { caBundle } }));
      return changed.length === 0 ? undefined : { webhooks: changed };
    },
    patch: (body) => api[`patch${kind}WebhookConfiguration`]({ name, body }),
  };
}

interface CustomResourceDefinition {
  readonly spec: {
    readonly conversion?: { readonly webhook?: { readonly clientConfig?: { readonly caBundle?: string } } };
  };
}

function holdDefinition(kube: Kube, plural: string): Holder {
  const api = apiOf(kube, ApiextensionsV1Api, { contentType: 'application/merge-patch+json', timeoutMs });
  const name = `${plural}.${GROUP}`;
  return {
    path: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`,
    read: () => api.readCustomResourceDefinition({ name }),
    plan: ({ spec }: CustomResourceDefinition, caBundle) => {
      const clientConfig = spec.conversion?.webhook?.clientConfig;
      // Every change of a CRD ends its watches: none is made for nothing.
      if (clientConfig === undefined || clientConfig.caBundle === caBundle) return undefined;
      return { spec: { conversion: { webhook: { clientConfig: { caBundle } } } } };
    },
    patch: (body) => api.patchCustomResourceDefinition({ name, body }),
  };
}

const timeoutMs = definitionTimeoutMs;

/** Writes the bundle (PEM) where an object exists and says otherwise; answers with the paths it changed. */
export const createCaBundleWriter =
  (kube: Kube) =>
  async (caBundle: string): Promise<string[]> => {
    const encoded = Buffer.from(caBundle).toString('base64');
    const changed: string[] = [];
    for (const holder of [
      ...Object.values(KINDS).map(({ plural }) => holdDefinition(kube, plural)),
      holdWebhooks(kube, 'Mutating'),
      holdWebhooks(kube, 'Validating'),
    ]) {
      if (await write(holder, encoded)) changed.push(holder.path);
    }
    return changed;
  };

async function write({ read, plan, patch }: Holder, caBundle: string): Promise<boolean> {
  const found = await orUndefined(read());
  const change = found === undefined ? undefined : plan(found as never, caBundle);
  if (change === undefined) return false;
  await patch({ metadata: { resourceVersion: found?.metadata?.resourceVersion }, ...change });
  return true;
}

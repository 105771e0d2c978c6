/** kubernetes.io/tls Secrets of our own namespace, by name. */
import { LABELS, MANAGED_BY, SYSTEM_NAMESPACE } from '../../api/names.ts';
import { KubeError, orUndefined, type KubeClient } from './client.ts';

export interface StoredSecret {
  /** As text. */
  readonly data: Readonly<Record<string, string>>;
  readonly resourceVersion: string;
}

export interface Secrets {
  /** Undefined where there is none. */
  readonly get: (name: string) => Promise<StoredSecret | undefined>;
  /** False where there is one already. */
  readonly create: (name: string, data: Readonly<Record<string, string>>) => Promise<boolean>;
  /** Null removes a key. @throws {KubeError} 409 when somebody wrote the Secret since it was read. */
  readonly change: (name: string, read: StoredSecret, data: Readonly<Record<string, string | null>>) => Promise<void>;
}

interface Secret {
  readonly metadata: { readonly resourceVersion: string };
  readonly data?: Readonly<Record<string, string>>;
}

const collection = `/api/v1/namespaces/${SYSTEM_NAMESPACE}/secrets`;

export function createSecrets(kube: Pick<KubeClient, 'call'>): Secrets {
  return {
    get: async (name) => {
      const secret = (await orUndefined(kube.call({ path: `${collection}/${name}` }))) as Secret | undefined;
      if (secret === undefined) return undefined;
      return { data: mapValues(secret.data ?? {}, fromBase64), resourceVersion: secret.metadata.resourceVersion };
    },
    create: async (name, data) => {
      try {
        await kube.call({ method: 'POST', path: collection, body: makeSecret(name, data) });
        return true;
      } catch (error) {
        if (error instanceof KubeError && error.reason === 'AlreadyExists') return false;
        throw error;
      }
    },
    change: async (name, { resourceVersion }, data) => {
      await kube.call({
        method: 'PATCH',
        path: `${collection}/${name}`,
        contentType: 'application/merge-patch+json',
        body: {
          metadata: { resourceVersion },
          data: mapValues(data, (text) => (text === null ? null : toBase64(text))),
        },
      });
    },
  };
}

const makeSecret = (name: string, data: Readonly<Record<string, string>>): unknown => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'kubernetes.io/tls',
  metadata: { name, namespace: SYSTEM_NAMESPACE, labels: { [LABELS.managedBy]: MANAGED_BY } },
  data: mapValues(data, toBase64),
});

const mapValues = <V, W>(record: Readonly<Record<string, V>>, map: (value: V) => W): Record<string, W> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));

const toBase64 = (text: string): string => Buffer.from(text).toString('base64');
const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString();

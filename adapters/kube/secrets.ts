/** kubernetes.io/tls Secrets of our own namespace, by name. */
import { LABELS, MANAGED_BY, SYSTEM_NAMESPACE } from '../../api/names.ts';
import type { Kube } from './api.ts';
import { KubeError } from './errors.ts';
import { secrets } from './resources.ts';

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

const keyOf = (name: string) => ({ namespace: SYSTEM_NAMESPACE, name });

export function createSecrets(kube: Kube): Secrets {
  const { get, create, patch } = secrets(kube);
  return {
    get: async (name) => {
      const secret = await get(keyOf(name));
      if (secret === undefined) return undefined;
      const { data = {}, metadata } = secret;
      return { data: mapValues(data, fromBase64), resourceVersion: metadata?.resourceVersion ?? '' };
    },
    create: async (name, data) => {
      try {
        await create(makeSecret(name, data));
        return true;
      } catch (error) {
        if (error instanceof KubeError && error.reason === 'AlreadyExists') return false;
        throw error;
      }
    },
    change: async (name, { resourceVersion }, data) => {
      await patch(keyOf(name), {
        metadata: { resourceVersion },
        data: mapValues(data, (text) => (text === null ? null : toBase64(text))),
      });
    },
  };
}

const makeSecret = (name: string, data: Readonly<Record<string, string>>) => ({
  type: 'kubernetes.io/tls',
  metadata: { ...keyOf(name), labels: { [LABELS.managedBy]: MANAGED_BY } },
  data: mapValues(data, toBase64),
});

const mapValues = <V, W>(record: Readonly<Record<string, V>>, map: (value: V) => W): Record<string, W> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));

const toBase64 = (text: string): string => Buffer.from(text).toString('base64');
const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString();

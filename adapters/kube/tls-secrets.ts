/** kubernetes.io/tls Secrets of our own namespace, by name: made once, never changed. */
import { LABELS, MANAGED_BY, SYSTEM_NAMESPACE } from '../../api/names.ts';
import type { TlsPair } from '../x509/signer.ts';
import { KubeError, orUndefined, type KubeClient } from './client.ts';

export interface TlsSecrets {
  /** Undefined where there is none. @throws {Error} when it is there and has no pair in it. */
  readonly get: (name: string) => Promise<TlsPair | undefined>;
  /** False where there is one already. */
  readonly create: (name: string, pair: TlsPair) => Promise<boolean>;
}

const collection = `/api/v1/namespaces/${SYSTEM_NAMESPACE}/secrets`;

export function createTlsSecrets(kube: KubeClient): TlsSecrets {
  return {
    get: async (name) => {
      const secret = await orUndefined(kube.call({ path: `${collection}/${name}` }));
      return secret === undefined ? undefined : readPair(name, secret);
    },
    create: async (name, pair) => {
      try {
        await kube.call({ method: 'POST', path: collection, body: makeSecret(name, pair) });
        return true;
      } catch (error) {
        if (error instanceof KubeError && error.reason === 'AlreadyExists') return false;
        throw error;
      }
    },
  };
}

const makeSecret = (name: string, pair: TlsPair): unknown => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'kubernetes.io/tls',
  metadata: { name, namespace: SYSTEM_NAMESPACE, labels: { [LABELS.managedBy]: MANAGED_BY } },
  data: { 'tls.crt': toBase64(pair.certificate), 'tls.key': toBase64(pair.key) },
});

function readPair(name: string, secret: unknown): TlsPair {
  const { data = {} } = secret as { readonly data?: Readonly<Record<string, string>> };
  const { 'tls.crt': certificate = '', 'tls.key': key = '' } = data;
  if (certificate === '' || key === '') throw new Error(`Secret ${name}: expected tls.crt and tls.key`);
  return { certificate: fromBase64(certificate), key: fromBase64(key) };
}

const toBase64 = (text: string): string => Buffer.from(text).toString('base64');
const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString();

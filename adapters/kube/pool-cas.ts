/** The CA of each pool's gateway: a Secret of a namespace of its own, named after the pool's UID. */
import { LABELS, MANAGED_BY, POOL_CA_NAMESPACE } from '../../api/names.ts';
import type { TlsPair } from '../x509/signer.ts';
import { KubeError, orUndefined, type KubeClient } from './client.ts';

const collection = `/api/v1/namespaces/${POOL_CA_NAMESPACE}/secrets`;
const pathOf = (poolUid: string): string => `${collection}/${encodeURIComponent(nameOf(poolUid))}`;
const nameOf = (poolUid: string): string => `pool-${poolUid}`;

export interface PoolCas {
  /**
   * The CA, made by `make` where there is none: of two who make one at once, both get that of the first. An error never
   * makes another. @throws {KubeError}
   */
  readonly ensure: (poolUid: string, make: () => TlsPair) => Promise<TlsPair>;
  /** Of a pool that is gone. @throws {KubeError} */
  readonly remove: (poolUid: string) => Promise<void>;
}

export function createPoolCas(kube: Pick<KubeClient, 'call'>): PoolCas {
  const get = async (poolUid: string): Promise<TlsPair | undefined> => {
    const secret = (await orUndefined(kube.call({ path: pathOf(poolUid) }))) as Secret | undefined;
    return secret === undefined ? undefined : readPair(secret);
  };
  return {
    ensure: async (poolUid, make) => {
      const found = await get(poolUid);
      if (found !== undefined) return found;
      const made = make();
      if (await create(kube, poolUid, made)) return made;
      const other = await get(poolUid);
      if (other === undefined) throw new Error('CA of a pool: made by somebody else, and gone');
      return other;
    },
    remove: async (poolUid) => {
      await orUndefined(kube.call({ method: 'DELETE', path: pathOf(poolUid) }));
    },
  };
}

interface Secret {
  readonly data?: Readonly<Record<string, string>>;
}

function readPair({ data = {} }: Secret): TlsPair {
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
  return { certificate: text('tls.crt'), key: text('tls.key') };
}

/** False where there is one already. */
async function create(kube: Pick<KubeClient, 'call'>, poolUid: string, pair: TlsPair): Promise<boolean> {
  const data = { 'tls.crt': pair.certificate, 'tls.key': pair.key };
  const metadata = {
    name: nameOf(poolUid),
    namespace: POOL_CA_NAMESPACE,
    labels: { [LABELS.managedBy]: MANAGED_BY },
  };
  const body = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, stringData: data };
  try {
    await kube.call({ method: 'POST', path: collection, body });
    return true;
  } catch (error) {
    if (error instanceof KubeError && error.reason === 'AlreadyExists') return false;
    throw error;
  }
}

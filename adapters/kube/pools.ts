/** BuildKitPools, one at a time or all by name. */
import { maxObjectNameLength } from '../../api/limits/fields.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import { listConfigKeys } from '../../core/status/refs.ts';
import type { Kube } from './api.ts';
import { pools } from './resources.ts';

/** The pool; undefined where there is none. The reader throws KubeError when the apiserver can't say. */
export function createPoolReader(kube: Kube): (key: PoolKey) => Promise<Pool | undefined> {
  const { get } = pools(kube);
  return async (key) => {
    // A name that nothing can have is not asked for: not every one of them can be written into a path.
    if (!isName(key.namespace) || !isName(key.name)) return undefined;
    return await get(key);
  };
}

/** @throws {KubeError} */
export async function listPoolKeys(kube: Kube): Promise<readonly PoolKey[]> {
  return (await pools(kube).list({}, keepKey)).items;
}

/** Pools that list an OIDC config of one of the namespaces. @throws {KubeError} */
export async function listReferrers(kube: Kube, namespaces: ReadonlySet<string>): Promise<readonly PoolKey[]> {
  const { items } = await pools(kube).list({}, (pool) => {
    const isReferrer = listConfigKeys(pool).some(({ namespace }) => namespaces.has(namespace));
    return isReferrer ? keepKey(pool) : undefined;
  });
  return items.filter((key) => key !== undefined);
}

/** With how they are exposed. @throws {KubeError} */
export async function listExposedPools(kube: Kube): Promise<readonly Pool[]> {
  const { items } = await pools(kube).list({}, ({ metadata, spec }): Pool | undefined =>
    spec.gateway?.exposure === undefined
      ? undefined
      : { metadata, spec: { gateway: { exposure: spec.gateway.exposure } } },
  );
  return items.filter((pool) => pool !== undefined);
}

const keepKey = ({ metadata: { namespace, name } }: Pool): PoolKey => ({ namespace, name });

/** A DNS subdomain, which every name of Kubernetes is. */
const isName = (text: string): boolean =>
  text.length <= maxObjectNameLength && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text);

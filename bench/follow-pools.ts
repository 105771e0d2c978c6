/** When a watch shows what is waited for in the status of pools. */
import type { KubeClient } from '../adapters/kube/client.ts';
import { ourCollectionPath } from '../adapters/kube/paths.ts';
import { KINDS } from '../api/names.ts';
import type { PoolStatus } from '../api/status.ts';
import type { Pool } from '../api/v1beta1/pool.ts';
import { formatPoolKey, type PoolKey } from '../core/pool-reference.ts';

export interface Follower {
  /** When a status of the pool that fits was first seen, in milliseconds of `performance.now()`. */
  readonly waitFor: (pool: PoolKey, fits: (status: PoolStatus) => boolean) => Promise<number>;
}

type Notify = (written: PoolStatus) => void;

export async function followPools(kube: KubeClient, signal: AbortSignal): Promise<Follower> {
  const path = ourCollectionPath(KINDS.pool.plural);
  const { metadata } = (await kube.call({ path, query: { limit: '1' } })) as { metadata: { resourceVersion: string } };
  const { resourceVersion } = metadata;
  const waiting = new Map<string, Set<Notify>>();
  const follow = async (): Promise<void> => {
    for await (const line of kube.lines({ path, query: { watch: 'true', resourceVersion } }, signal)) {
      const { object } = line as { object: Pool };
      for (const notify of waiting.get(formatPoolKey(object.metadata)) ?? []) notify(object.status ?? {});
    }
  };
  follow().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return {
    waitFor: (pool, fits) =>
      new Promise((resolve) => {
        const listeners = waiting.get(formatPoolKey(pool)) ?? new Set<Notify>();
        waiting.set(formatPoolKey(pool), listeners);
        const notify: Notify = (written) => {
          if (!fits(written)) return;
          listeners.delete(notify);
          resolve(performance.now());
        };
        listeners.add(notify);
      }),
  };
}

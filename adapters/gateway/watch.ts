/** The two objects that a gateway watches, each by its name: its pool, and the routes that `lifecycle` writes. */
import { KINDS } from '../../api/names.ts';
import { routes as routesSchema, ROUTES_KEY, routesName, type Routes } from '../../api/routes.ts';
import type { WatchedPool } from '../../core/gateway/client.ts';
import { readJson } from '../../core/json-text.ts';
import type { PoolKey } from '../../core/pool-reference.ts';
import type { Change } from '../../core/events/make.ts';
import type { Pause } from '../backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import { configMapsPath, ourNamespacedCollectionPath } from '../kube/paths.ts';
import { listAndWatch, type WatchedCollection, type WatchOptions } from '../kube/watch.ts';
import type { Log } from '../log.ts';

export interface WatchPorts {
  readonly kube: KubeClient;
  readonly pool: PoolKey;
  /** Undefined where there is none. */
  readonly setPool: (pool: WatchedPool | undefined) => void;
  readonly setRoutes: (routes: Routes | undefined) => void;
  /** Whether changes of both arrive. */
  readonly setWatching: (isWatching: boolean) => void;
  readonly pause: Pause;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Resolves when the signal is aborted. */
export async function watchPool(ports: WatchPorts): Promise<void> {
  const { kube, pool, setPool, setRoutes } = ports;
  const open = new Set<WatchedCollection>();
  const watch = (collection: WatchedCollection, emit: WatchOptions['emit']): Promise<void> =>
    listAndWatch(kube, collection, {
      ...ports,
      emit,
      setWatching: (isWatching) => {
        if (isWatching) open.add(collection);
        else open.delete(collection);
        ports.setWatching(open.size === 2);
      },
    });
  const pools = select(ourNamespacedCollectionPath(KINDS.pool.plural, pool.namespace), pool.name);
  const configMaps = select(configMapsPath(pool.namespace), routesName(pool.name));
  await Promise.all([
    watch(pools, (change) => {
      setPool(change.change === 'delete' ? undefined : (change.object as unknown as WatchedPool));
    }),
    watch(configMaps, (change) => {
      setRoutes(change.change === 'delete' ? undefined : readRoutes(change.object, ports.log));
    }),
  ]);
}

const select = (path: string, name: string): WatchedCollection => ({
  path,
  fieldSelector: `metadata.name=${name}`,
  keep: (object) => object,
});

/** Routes that can't be read are as none: `allocation` is asked instead. */
function readRoutes(object: Change['object'], log: Log): Routes | undefined {
  const { data } = object as { readonly data?: Readonly<Record<string, string>> };
  const parsed = routesSchema.safeParse(readJson(data?.[ROUTES_KEY] ?? ''));
  if (!parsed.success) log.warn({ error: parsed.error.message }, 'routes not read');
  return parsed.data;
}

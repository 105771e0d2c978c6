/**
 * The recompute cache: for each pool, what its last complete run read and wrote. It makes runs unnecessary or cheap. It
 * never replaces a read: what a run does not read, it takes from the status. docs/decisions/0015-recompute.md gives the
 * reason for each rule. No I/O.
 */
import { maxListedNamespaces, maxRememberedPools } from '../../api/limits/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { putLast } from '../bounded-map.ts';
import type { ObjectVersion } from '../events/parse.ts';
import { formatPoolKey, type PoolKey } from '../pool-reference.ts';
import { parseResourceVersion } from '../resource-version.ts';
import type { Extent, Observed } from './observed.ts';

/** What a run reads beside the pool. */
export interface Reads {
  /** Namespaces whose workers are listed; all when undefined. */
  readonly namespaces: ReadonlySet<string> | undefined;
  /** The list of workers must be at least as recent as this resourceVersion. */
  readonly notOlderThan: string;
  /** Whether the objects of the gateway are read; otherwise the status stands for them. */
  readonly withGateway: boolean;
}

/** What a run must read. */
export interface Wanted {
  /** For the pool as it was read. */
  readonly planReads: (pool: Pool) => Reads;
  /**
   * Resource version of a worker that must be seen, if there is one that late: anybody may have made it up. Infinity: the
   * present.
   */
  readonly atLeast: number;
  /** With the Pods of the gateway even where none was counted before. */
  readonly withPods: boolean;
}

/** What made a status true. */
export interface Ended {
  /** Resource version that the write gave the pool; undefined where the status was true before. */
  readonly written: string | undefined;
  /** A resource version at which the pool was known to be as it was read, or 0. */
  readonly readAt: number;
}

export interface RecomputeCache {
  /** Whether a run that is over saw the object in this version or a later one. Its own write it did not see. */
  readonly isCovered: (key: PoolKey, object: ObjectVersion) => boolean;
  /** For the pool as it is read now. */
  readonly planReads: (pool: Pool, objects: readonly ObjectVersion[]) => Reads;
  /** The latest resource version that the apiserver named so far. */
  readonly latest: () => number;
  readonly remember: (observed: Observed, ended: Ended) => void;
  readonly forget: (key: PoolKey) => void;
  readonly forgetAll: () => void;
}

interface LastRun {
  /** Resource versions of the pool. */
  readonly read: string;
  readonly written: string | undefined;
  readonly namespaces: Extent['namespaces'];
  /** Of workers in these namespaces every change up to this resource version is in the status. */
  readonly workersAt: number;
  /** What the status said as it was read. */
  readonly workerNamespaces: readonly string[] | undefined;
  readonly sawGateway: boolean;
}

export function createRecomputeCache(): RecomputeCache {
  const byPool = new Map<string, LastRun>();
  let latest = 0;

  return {
    isCovered: (key, { kind, namespace, version }) => {
      const lastRun = byPool.get(formatPoolKey(key));
      if (lastRun === undefined || version === undefined) return false;
      if (kind === 'pool') return version <= toNumber(lastRun.read);
      return version <= lastRun.workersAt && (lastRun.namespaces === 'all' || lastRun.namespaces.has(namespace));
    },

    planReads: (pool, objects) => {
      const lastRun = byPool.get(formatPoolKey(pool.metadata));
      const { resourceVersion } = pool.metadata;
      const isLater = lastRun !== undefined && lastRun.workersAt > toNumber(resourceVersion);
      return {
        namespaces: findNamespaces(pool, lastRun, objects),
        notOlderThan: isLater ? String(lastRun.workersAt) : resourceVersion,
        withGateway: !isUnmodified(pool, lastRun) || !isGatewayAsStated(pool, lastRun, objects),
      };
    },

    latest: () => latest,

    remember: ({ pool, extent, gateway }, { written, readAt }) => {
      const id = formatPoolKey(pool.metadata);
      const { resourceVersion: read } = pool.metadata;
      const listedAt = extent.version ?? 0;
      // A write proves that nobody else had written since the pool was read. Without one, another instance may have, from
      // an earlier look at the workers, while they were listed here.
      const workersAt = written === undefined ? Math.min(listedAt, Math.max(readAt, toNumber(read))) : listedAt;
      latest = Math.max(latest, listedAt, toNumber(read), toNumber(written));
      const { namespaces } = extent;
      const workerNamespaces = pool.status?.workerNamespaces;
      const lastRun = { read, written, namespaces, workersAt, workerNamespaces, sawGateway: gateway !== undefined };
      // The first is the one whose last run is the longest ago.
      putLast(byPool, [id, lastRun], maxRememberedPools);
    },

    forget: (key) => {
      byPool.delete(formatPoolKey(key));
    },

    forgetAll: () => {
      byPool.clear();
      latest = 0;
    },
  };
}

const toNumber = (resourceVersion: string | undefined): number => parseResourceVersion(resourceVersion) ?? 0;

/** Whether nobody else wrote the pool since the last run. */
const isUnmodified = ({ metadata: { resourceVersion } }: Pool, lastRun: LastRun | undefined): lastRun is LastRun =>
  resourceVersion === lastRun?.read || resourceVersion === lastRun?.written;

/**
 * Whether the events are only about workers and the last run's own write; a run for reports has no events. Where the last
 * run wrote what it saw of the gateway, another one may have found true what that overwrote.
 */
function isGatewayAsStated(
  { metadata: { resourceVersion } }: Pool,
  { written, sawGateway }: LastRun,
  objects: readonly ObjectVersion[],
): boolean {
  if (objects.length === 0 || (sawGateway && resourceVersion === written)) return false;
  return objects.every(
    ({ kind, version }) =>
      kind === 'worker' || (kind === 'pool' && version !== undefined && version === parseResourceVersion(written)),
  );
}

/**
 * All with workers of the pool: those that its status names now and named before the last run, and those of workers that
 * are told of. Undefined, anywhere, where somebody else wrote the pool since: that one may know of workers that this
 * instance was never told of, or may have written what is not so.
 */
function findNamespaces(
  pool: Pool,
  lastRun: LastRun | undefined,
  objects: readonly ObjectVersion[],
): ReadonlySet<string> | undefined {
  const [before, now] = [lastRun?.workerNamespaces, pool.status?.workerNamespaces];
  if (!isUnmodified(pool, lastRun) || before === undefined || now === undefined) return undefined;
  const workers = objects.filter(({ kind }) => kind === 'worker');
  const namespaces = new Set([...before, ...now, ...workers.map(({ namespace }) => namespace)]);
  return namespaces.size <= maxListedNamespaces ? namespaces : undefined;
}

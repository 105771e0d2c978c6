/** Brings up to date what an event touches: each piece of work once, for all who wait for it. */
import {
  configTouchPeriodMs,
  maxParallelRecomputes,
  maxResyncWaitMs,
  minResyncPeriodMs,
} from '../../api/limits/status.ts';
import { forEachAtOnce } from '../parallel.ts';
import { formatPoolKey, type PoolKey } from '../pool-reference.ts';
import { createMerge } from '../merge.ts';
import { createThrottle, type Clock } from './throttle.ts';
import type { ObjectVersion, Touched } from './parse.ts';

/** Brings one pool up to date, at once for all who ask. Rejects when it may be tried again; that is logged by then. */
export type UpdatePool = (pool: PoolKey) => Promise<void>;

export interface UpdatePorts {
  /** Resolves when the pool is as it should be, or gone; rejects when it may be tried again. It must read these objects. */
  readonly recompute: (pool: PoolKey, objects: readonly ObjectVersion[]) => Promise<void>;
  /** Whether a recompute of the pool that is over saw the object in this version or a later one; none did when absent. */
  readonly isCovered?: (pool: PoolKey, object: ObjectVersion) => boolean;
  /** Brings every pool up to date, by `update` where it has no better way. Rejects when one of them is not. */
  readonly resync: (update: UpdatePool) => Promise<void>;
  /** Every pool that depends on the namespace. */
  readonly listPoolsOf: (namespace: string) => Promise<readonly PoolKey[]>;
  /** Absent where OIDC configs are another function's. */
  readonly configs?: ConfigPorts;
  readonly clock: Clock;
  readonly log: { readonly warn: (fields: object, message: string) => void };
}

export interface ConfigPorts {
  /** Brings those of a namespace up to date, or all. */
  readonly recompute: (namespace: string | undefined) => Promise<void>;
  /** Every pool that lists a config of one of the namespaces. */
  readonly listReferrers: (namespaces: ReadonlySet<string>) => Promise<readonly PoolKey[]>;
}

export type Outcome = 'done' | 'failed' | 'not ours' | 'too soon';

/** Never rejects: what fails is logged. */
export function createUpdate(ports: UpdatePorts): (touched: Touched) => Promise<Outcome> {
  const { listPoolsOf, configs, clock, log } = ports;
  const attempt = createAttempt(log);
  const updateOne = createUpdateOne(ports);
  const updatePool: UpdatePool = async (pool) => {
    const any = { kind: 'any', namespace: pool.namespace, version: undefined } as const;
    const outcome = await attempt(updateOne(pool, any), 'pool not brought up to date', { pool: formatPoolKey(pool) });
    if (outcome === 'failed') throw new Error(`${formatPoolKey(pool)} failed`);
  };
  const updateNamespace = createMerge<string>(
    async (namespace) => {
      await updateEach(await listPoolsOf(namespace), updatePool);
    },
    { idOf: (namespace) => namespace },
  );
  const updateConfigs = configs && createConfigUpdate(configs, updatePool, clock);
  const updateAll = createThrottle(
    async () => {
      const results = await Promise.allSettled([ports.resync(updatePool), configs?.recompute(undefined)]);
      const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
      if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('; '));
    },
    { everyMs: minResyncPeriodMs, maxWaitMs: maxResyncWaitMs, clock },
  );

  return async (event) => {
    switch (event.touched) {
      case 'none':
        return 'not ours';
      case 'one': {
        const about = { pool: formatPoolKey(event.pool) };
        return await attempt(updateOne(event.pool, event.object), 'pool not brought up to date', about);
      }
      case 'namespace': {
        const about = { namespace: event.namespace };
        return await attempt(updateNamespace(event.namespace), 'pools of a namespace not brought up to date', about);
      }
      case 'configs': {
        if (updateConfigs === undefined) return 'not ours';
        const about = { namespace: event.namespace };
        return await attempt(updateConfigs(event.namespace), 'OIDC configs not brought up to date', about);
      }
      case 'all':
        return await attempt(updateAll(), 'resync incomplete', {});
    }
  };
}

type Attempt = (work: Promise<Outcome> | Promise<void>, message: string, about: object) => Promise<Outcome>;

const createAttempt =
  (log: UpdatePorts['log']): Attempt =>
  async (work, message, about) => {
    try {
      return (await work) ?? 'done';
    } catch (error) {
      log.warn({ ...about, error: (error as Error).message }, message);
      return 'failed';
    }
  };

function createUpdateOne({
  recompute,
  isCovered: isEventCovered = () => false,
}: UpdatePorts): (pool: PoolKey, object: ObjectVersion) => Promise<void> {
  // Nothing covers `any`; the port is asked about events alone.
  const isCovered = (pool: PoolKey, object: ObjectVersion): boolean =>
    object.kind !== 'any' && isEventCovered(pool, object);
  const merged = createMerge<PoolKey, ObjectVersion>(recompute, { idOf: formatPoolKey, isCovered });
  return async (pool, object) => {
    if (!isCovered(pool, object)) await merged(pool, object);
  };
}

/** One pool that fails does not keep the others from being brought up to date. @throws when one failed. */
export async function updateEach(pools: readonly PoolKey[], update: UpdatePool): Promise<void> {
  let failed = 0;
  await forEachAtOnce(pools, maxParallelRecomputes, async (pool) => {
    await update(pool).catch(() => (failed += 1));
  });
  if (failed > 0) throw new Error(`pools that failed: ${failed}`);
}

/** The configs of a namespace, and then the pools that list one of them; those are looked for at once for all who ask. */
function createConfigUpdate(
  { recompute, listReferrers }: ConfigPorts,
  update: UpdatePool,
  clock: Clock,
): (namespace: string) => Promise<void> {
  const recomputeOnce = createMerge<string>((namespace) => recompute(namespace), { idOf: (namespace) => namespace });
  let touched = new Set<string>();
  const updateReferrers = createThrottle(
    async () => {
      const namespaces = touched;
      touched = new Set();
      await updateEach(await listReferrers(namespaces), update);
    },
    { everyMs: configTouchPeriodMs, maxWaitMs: Infinity, clock },
  );
  return async (namespace) => {
    try {
      await recomputeOnce(namespace);
    } finally {
      touched.add(namespace);
      await updateReferrers();
    }
  };
}

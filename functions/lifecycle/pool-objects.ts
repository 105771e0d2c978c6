/** Keeps the gateway of a pool and what belongs to it as they should be. */
import { resyncPeriodMs } from '../../api/limits/status.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import {
  makeGatewayAccount,
  makeGatewayBudget,
  makeGatewayDeployment,
  makeGatewayService,
  makeGatewayTrust,
  makeKeysService,
} from '../../core/lifecycle/gateway-objects.ts';
import { makeGatewayPolicy } from '../../core/lifecycle/gateway-policy.ts';
import { makeExposure } from '../../core/lifecycle/exposure.ts';
import type { KubeObject } from '../../core/lifecycle/objects.ts';
import type { LifecycleSettings } from '../../core/lifecycle/settings.ts';

export interface PoolObjectPorts {
  readonly settings: LifecycleSettings;
  readonly applyObject: (object: KubeObject, ownerUid: string) => Promise<'applied' | 'conflict' | 'unavailable'>;
  readonly deleteObject: (object: KubeObject, ownerUid: string) => Promise<void>;
  /** PEM. Rejects while there are none. */
  readonly readRoots: () => Promise<string>;
  /** That an object of another has the name of one of ours, or the cluster has no objects of that kind. */
  readonly reportNotMade: (pool: Pool, object: KubeObject, reason: 'conflict' | 'unavailable') => Promise<void>;
  readonly now: () => Date;
}

export interface KeepOptions {
  /** Whether somebody may have changed one of the objects. */
  readonly isTouched: boolean;
  /** Where the pool has workers. */
  readonly workerNamespaces: ReadonlySet<string>;
}

/** Writes them where they may differ from what was written last. @throws when one could not be written. */
export function createPoolObjects(ports: PoolObjectPorts): (pool: Pool, options: KeepOptions) => Promise<void> {
  /** By UID of the pool: what was applied, and when. A pool that is gone is forgotten with the next that is as old. */
  const applied = new Map<string, { readonly wanted: string; readonly at: number }>();

  return async (pool, { isTouched, workerNamespaces }) => {
    if (pool.metadata.deletionTimestamp !== undefined) {
      applied.delete(pool.metadata.uid);
      return;
    }
    const [objects, unwanted] = makePoolObjects(pool, {
      settings: ports.settings,
      roots: await ports.readRoots(),
      workerNamespaces: [...workerNamespaces].toSorted(),
    });
    const wanted = JSON.stringify(objects);
    const last = applied.get(pool.metadata.uid);
    const nowMs = ports.now().getTime();
    const isFresh = last !== undefined && last.wanted === wanted && nowMs - last.at < resyncPeriodMs;
    if (isFresh && !isTouched) return;
    for (const object of objects) {
      const outcome = await ports.applyObject(object, pool.metadata.uid);
      if (outcome !== 'applied') await ports.reportNotMade(pool, object, outcome);
    }
    for (const object of unwanted) await ports.deleteObject(object, pool.metadata.uid);
    applied.set(pool.metadata.uid, { wanted, at: nowMs });
  };
}

interface Surroundings {
  readonly settings: LifecycleSettings;
  readonly roots: string;
  readonly workerNamespaces: readonly string[];
}

/** Those that the pool has, in the order in which one needs the other, and those that it no longer has. */
function makePoolObjects(
  pool: Pool,
  { settings, roots, workerNamespaces }: Surroundings,
): readonly [readonly KubeObject[], readonly KubeObject[]] {
  const gateway = [
    ...makeGatewayAccount(pool),
    makeGatewayTrust(pool, roots),
    makeGatewayPolicy(pool, workerNamespaces),
    makeGatewayBudget(pool),
    makeGatewayService(pool),
    makeKeysService(pool),
    makeGatewayDeployment(pool, settings),
  ];
  const exposure = makeExposure(pool);
  if (pool.spec.gateway?.enabled === false) return [[], [...gateway, ...exposure.wanted, ...exposure.unwanted]];
  return [[...gateway, ...exposure.wanted], exposure.unwanted];
}

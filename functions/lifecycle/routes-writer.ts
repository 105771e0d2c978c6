/** Writes the routes of a pool where they changed, and not too often: every gateway of the pool watches them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { minRoutesPeriodMs } from '../../api/limits/lifecycle.ts';
import { ROUTES_KEY, type Routes } from '../../api/routes.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import { makeRoutes } from '../../core/lifecycle/gateway-objects.ts';
import type { KubeObject } from '../../core/lifecycle/objects.ts';

export interface RoutesPorts {
  readonly applyObject: (object: KubeObject, ownerUid: string) => Promise<'applied' | 'conflict' | 'unavailable'>;
  readonly reportNotMade: (pool: Pool, object: KubeObject, reason: 'conflict' | 'unavailable') => Promise<void>;
  readonly now: () => Date;
}

interface Written {
  readonly text: string;
  readonly atMs: number;
}

/** Resolves when they are written. @throws when they could not be. */
export function createRoutesWriter(ports: RoutesPorts): (pool: Pool, routes: Routes) => Promise<void> {
  /** By UID of the pool. */
  const written = new Map<string, Written>();

  return async (pool, routes) => {
    const { uid, deletionTimestamp } = pool.metadata;
    if (deletionTimestamp !== undefined) written.delete(uid);
    const text = JSON.stringify(routes);
    const last = written.get(uid);
    if (last?.text === text) return;
    const waitMs = last === undefined ? 0 : last.atMs + minRoutesPeriodMs - ports.now().getTime();
    if (waitMs > 0) await sleep(waitMs);
    const object = makeRoutes(pool, { [ROUTES_KEY]: text });
    const outcome = await ports.applyObject(object, uid);
    if (outcome !== 'applied') await ports.reportNotMade(pool, object, outcome);
    written.set(uid, { text, atMs: ports.now().getTime() });
  };
}

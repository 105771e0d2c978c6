/**
 * The ConfigMap `<pool>-routes`: what `lifecycle` says to the gateways of a pool. One key, `routes.json`. Never needed
 * for correctness: the worker of a new lease comes with the answer of `allocation`. They save questions, wake who waits, and end
 * what is over.
 */
import * as z from 'zod';
import { leasedWorker, leaseId } from './http/leases.ts';

export const routesName = (pool: string): string => `${pool}-routes`;
export const ROUTES_KEY = 'routes.json';

export const routes = z.object({
  /** A pool made anew has other routes. */
  poolUID: z.string(),
  /** When a gateway posts a tick, RFC 3339; absent when nothing is due. */
  nextDueAt: z.iso.datetime({ offset: true }).optional(),
  leases: z.array(
    z.object({
      lease: leaseId,
      /** Absent while the worker is being made. */
      worker: leasedWorker.optional(),
      /** Why connections of this lease end: a grant, a principal or a worker was revoked. */
      ended: z.string().optional(),
    }),
  ),
});
export type Routes = z.infer<typeof routes>;

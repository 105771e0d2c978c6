/**
 * How a gateway wakes `lifecycle` when something is due for its pool, with a Pod-bound token of our audience.
 *
 * POST /lifecycle/ticks: 204 the pool was computed anew, 401 no token of a Pod, 403 not a Pod of that pool's gateway, 503
 * to be tried again.
 */
import * as z from 'zod';
import { poolName } from '../fields.ts';

export const TICKS_PATH = '/lifecycle/ticks';

export const tickRequest = z.strictObject({ pool: poolName('Pool of the gateway, in the namespace of its Pod.') });
export type TickRequest = z.infer<typeof tickRequest>;

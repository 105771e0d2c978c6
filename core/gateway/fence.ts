/**
 * When the connections of a lease must end because its worker may soon serve somebody else. The lease is over 120 s after
 * its last renewal, whoever renewed it: a gateway that can't renew ends them before. No I/O. No clock.
 */
import { deadlineCheckMs, leaseFenceMs } from '../../api/limits/gateway.ts';
import type { LeasedWorker } from '../../api/http/leases.ts';
import type { Refusal } from './refusal.ts';
import type { Route } from './route.ts';

/** What a gateway knows of a lease that has connections here. */
export interface HeldLease {
  readonly connections: number;
  /** The URI of its worker; undefined where routes and `allocation` differ, until `allocation` is asked again. */
  readonly identity: string | undefined;
  /** When the last call was sent whose answer keeps the lease. Milliseconds of one clock. */
  readonly confirmedAtMs: number;
}

/** A lease and its worker. */
export interface Held extends Route {
  /** When `allocation` was asked; absent where the routes led there. */
  readonly askedAtMs?: number;
}

/** Early by one look, so that nothing is open any more when the time is up. */
export const isFenced = ({ confirmedAtMs }: Pick<HeldLease, 'confirmedAtMs'>, nowMs: number): boolean =>
  nowMs - confirmedAtMs >= leaseFenceMs - deadlineCheckMs;

/** One connection more. The routes alone confirm nothing: they may be old. */
export const addConnection = (
  held: HeldLease | undefined,
  { worker, askedAtMs = -Infinity }: { readonly worker: LeasedWorker; readonly askedAtMs?: number },
): HeldLease => ({
  connections: (held?.connections ?? 0) + 1,
  identity: worker.identity,
  confirmedAtMs: Math.max(held?.confirmedAtMs ?? -Infinity, askedAtMs),
});

/** A renewal that was sent then keeps the lease. Answers may overtake each other. */
export const confirm = (held: HeldLease, sentAtMs: number): HeldLease => ({
  ...held,
  confirmedAtMs: Math.max(held.confirmedAtMs, sentAtMs),
});

export const notRenewed: Refusal = {
  reason: 'not_renewed',
  message: `the lease of the worker could not be renewed for ${leaseFenceMs / 1000} s: connect again`,
};

export const workerChanged: Refusal = {
  reason: 'worker_changed',
  message: 'the certificate has another worker now: connect again',
};

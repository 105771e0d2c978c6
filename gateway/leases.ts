/** The leases that have connections here: renewed while they have some, and once when the last of them ends. */
import type { RenewRequest } from '../api/http/leases.ts';
import { leaseRenewMs } from '../api/limits/gateway.ts';
import { addConnection, confirm, isFenced, type Held, type HeldLease } from '../core/gateway/fence.ts';

export interface LeasePorts {
  /** Those of them that are over, with the reason. Rejects when it may be tried again. */
  readonly renew: (
    leases: RenewRequest['leases'],
  ) => Promise<readonly { readonly lease: string; readonly reason: string }[]>;
  readonly onEnded: (lease: string, reason: string) => void;
  /** Connections to another worker than this end. */
  readonly onMoved: (lease: string, identity: string) => void;
  /** Milliseconds of a clock that nobody sets. */
  readonly now: () => number;
  readonly log: { readonly warn: (fields: object, message: string) => void };
}

export interface Leases {
  readonly countOf: (lease: string) => number;
  /** Its worker, where that is sure. */
  readonly identityOf: (lease: string) => string | undefined;
  /** Of this certificate, all that have connections here. */
  readonly listOf: (leaseId: string) => { readonly lease: string; readonly connections: number }[];
  readonly open: (held: Held) => void;
  readonly close: (lease: string) => void;
  /** The routes name this worker. */
  readonly hear: (lease: string, identity: string) => void;
  /** All that could not be renewed for too long. */
  readonly listFenced: () => readonly string[];
  /** Renews no more. */
  readonly stop: () => void;
}

/** As many as a renewal may name. */
const maxPerCall = 1000;

export function createLeases({ renew, onEnded, onMoved, now, log }: LeasePorts): Leases {
  const all = new Map<string, HeldLease>();

  async function renewAll(leases: readonly string[]): Promise<void> {
    for (let first = 0; first < leases.length; first += maxPerCall) {
      try {
        await renewSome(leases.slice(first, first + maxPerCall));
      } catch (error) {
        // The next renewal comes long before the lease is over.
        log.warn({ error: (error as Error).message }, 'leases not renewed, will try again');
      }
    }
  }

  async function renewSome(leases: readonly string[]): Promise<void> {
    const sentAtMs = now();
    const ended = new Map((await renew([...leases])).map(({ lease, reason }) => [lease, reason]));
    for (const lease of leases) {
      const [held, reason] = [all.get(lease), ended.get(lease)];
      if (reason !== undefined) onEnded(lease, reason);
      else if (held !== undefined) all.set(lease, confirm(held, sentAtMs));
    }
  }

  const timer = setInterval(() => void renewAll([...all.keys()]), leaseRenewMs);
  return {
    countOf: (lease) => all.get(lease)?.connections ?? 0,
    identityOf: (lease) => {
      const held = all.get(lease);
      return held === undefined || isFenced(held, now()) ? undefined : held.identity;
    },
    listOf: (leaseId) =>
      [...all].flatMap(([lease, { connections }]) =>
        lease === leaseId || lease.startsWith(`${leaseId}-`) ? [{ lease, connections }] : [],
      ),
    open: ({ lease, ...held }) => {
      const before = all.get(lease);
      all.set(lease, addConnection(before, held));
      if (before !== undefined && before.identity !== held.worker.identity) onMoved(lease, held.worker.identity);
    },
    close: (lease) => {
      const held = all.get(lease);
      if (held === undefined) return;
      if (held.connections > 1) all.set(lease, { ...held, connections: held.connections - 1 });
      else if (all.delete(lease)) void renewAll([lease]);
    },
    hear: (lease, identity) => {
      const held = all.get(lease);
      if (held === undefined || held.identity === identity) return;
      all.set(lease, { ...held, identity: undefined });
      onMoved(lease, identity);
    },
    listFenced: () => [...all].flatMap(([lease, held]) => (isFenced(held, now()) ? [lease] : [])),
    stop: () => {
      clearInterval(timer);
    },
  };
}

/** Runs the work of one key one after another, in the order it came. */
export function createTurns(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const own = (last.get(key) ?? Promise.resolve()).then(work);
    const done = own.catch(() => undefined);
    last.set(key, done);
    try {
      return await own;
    } finally {
      if (last.get(key) === done) last.delete(key);
    }
  };
}

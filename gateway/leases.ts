/** The leases that have connections here: renewed while they have some, and once when the last of them ends. */
import type { RenewRequest } from '../api/http/leases.ts';
import { leaseRenewMs } from '../api/limits/gateway.ts';

export interface LeasePorts {
  /** Those of them that are over, with the reason. Rejects when it may be tried again. */
  readonly renew: (
    leases: RenewRequest['leases'],
  ) => Promise<readonly { readonly lease: string; readonly reason: string }[]>;
  readonly onEnded: (lease: string, reason: string) => void;
  readonly log: { readonly warn: (fields: object, message: string) => void };
}

export interface Leases {
  readonly countOf: (lease: string) => number;
  /** Of this certificate, all that have connections here. */
  readonly listOf: (leaseId: string) => { readonly lease: string; readonly connections: number }[];
  readonly open: (lease: string) => void;
  readonly close: (lease: string) => void;
  /** Renews no more. */
  readonly stop: () => void;
}

/** As many as a renewal may name. */
const maxPerCall = 1000;

export function createLeases({ renew, onEnded, log }: LeasePorts): Leases {
  const counts = new Map<string, number>();

  async function renewAll(leases: readonly string[]): Promise<void> {
    for (let first = 0; first < leases.length; first += maxPerCall) {
      try {
        const ended = await renew(leases.slice(first, first + maxPerCall));
        for (const { lease, reason } of ended) onEnded(lease, reason);
      } catch (error) {
        // The next renewal comes long before the lease is over.
        log.warn({ error: (error as Error).message }, 'leases not renewed, will try again');
      }
    }
  }

  const timer = setInterval(() => void renewAll([...counts.keys()]), leaseRenewMs);
  return {
    countOf: (lease) => counts.get(lease) ?? 0,
    listOf: (leaseId) =>
      [...counts].flatMap(([lease, connections]) =>
        lease === leaseId || lease.startsWith(`${leaseId}-`) ? [{ lease, connections }] : [],
      ),
    open: (lease) => {
      counts.set(lease, (counts.get(lease) ?? 0) + 1);
    },
    close: (lease) => {
      const left = (counts.get(lease) ?? 0) - 1;
      if (left > 0) counts.set(lease, left);
      else if (counts.delete(lease)) void renewAll([lease]);
    },
    stop: () => {
      clearInterval(timer);
    },
  };
}

/** Gives more time to leases that have connections, and says which of them are over. */
import { maxApplyAttempts } from '../../api/limits/kubernetes.ts';
import { maxParallelRenewals } from '../../api/limits/allocation.ts';
import type { RenewAnswer } from '../../api/http/leases.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { AllocationStore } from '../../core/allocation/acquire.ts';
import { domainOf, leaseName, principalOf } from '../../core/allocation/lease.ts';
import type { NamedPrincipal } from '../../core/allocation/principal.ts';
import { planRenewal } from '../../core/allocation/renew.ts';
import type { Lease } from '../../core/lifecycle/cluster-objects.ts';
import { forEachAtOnce } from '../../core/parallel.ts';

export interface RenewPorts {
  readonly store: Pick<AllocationStore, 'getLease' | 'writeLease'>;
  readonly mayUse: (named: NamedPrincipal, pool: Pool) => Promise<boolean>;
  readonly now: () => Date;
}

type Ended = RenewAnswer['ended'];

/** Rejects when it may be tried again. */
export type Renew = (pool: Pool, leases: readonly string[]) => Promise<Ended>;

export const createRenew =
  ({ store, mayUse, now }: RenewPorts): Renew =>
  async (pool, leases) => {
    const ended: Ended = [];
    const permitted = askOnce((named) => mayUse(named, pool));
    await forEachAtOnce(new Set(leases), maxParallelRenewals, async (lease) => {
      const reason = await renewOne(pool, lease, { store, permitted, now });
      if (reason !== undefined) ended.push({ lease, reason });
    });
    return ended;
  };

interface OneRenewal extends Pick<RenewPorts, 'store' | 'now'> {
  readonly permitted: (named: NamedPrincipal) => Promise<boolean>;
}

/** Why it is over; undefined where it lives. */
async function renewOne(pool: Pool, id: string, { store, permitted, now }: OneRenewal): Promise<string | undefined> {
  const { namespace, name } = pool.metadata;
  for (let attempt = 0; attempt < maxApplyAttempts; attempt += 1) {
    const lease = await store.getLease(namespace, leaseName(name, id));
    const isPermitted = lease !== undefined && (await permitted(holderOfLease(lease)));
    const renewal = planRenewal(lease, pool, isPermitted, now());
    if (renewal.do === 'end') return renewal.reason;
    if (renewal.do === 'nothing' || (await store.writeLease(renewal.lease)) !== 'stale') return undefined;
  }
  throw new Error(`lease changed during each of ${maxApplyAttempts} attempts`);
}

const holderOfLease = (lease: Lease): NamedPrincipal => ({
  principal: principalOf(lease),
  domain: domainOf(lease) ?? '',
});

/** Many leases of one principal are one question. */
function askOnce(ask: (named: NamedPrincipal) => Promise<boolean>): (named: NamedPrincipal) => Promise<boolean> {
  const asked = new Map<string, Promise<boolean>>();
  return (named) => {
    const key = JSON.stringify([named.principal, named.domain]);
    const answer = asked.get(key) ?? ask(named);
    asked.set(key, answer);
    return answer;
  };
}

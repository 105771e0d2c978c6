/** Renewals of the leases that have connections, by a clock that the test moves. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { leaseFenceMs, leaseRenewMs } from '../../api/limits/gateway.ts';
import { createLeases, createTurns, type Leases } from '../../gateway/leases.ts';

const lease = 'ab'.repeat(16);
const worker = { name: 'w', namespace: 'n', address: '10.0.0.1:1234', identity: 'buildkit://x/w' };

interface Renewals {
  isAnswered: boolean;
  ended: { lease: string; reason: string }[];
  readonly heard: string[];
}

let leases: Leases;
let renewals: Renewals;

beforeEach(() => {
  vi.useFakeTimers();
  renewals = { isAnswered: true, ended: [], heard: [] };
  leases = createLeases({
    renew: () => (renewals.isAnswered ? Promise.resolve(renewals.ended) : Promise.reject(new Error('asleep'))),
    onEnded: (ended, reason) => renewals.heard.push(`${ended} ${reason}`),
    onMoved: (_, identity) => renewals.heard.push(identity),
    now: Date.now,
    log: { warn: () => undefined },
  });
  leases.open({ lease, worker, askedAtMs: Date.now() });
});
afterEach(() => {
  leases.stop();
  vi.useRealTimers();
});

describe('a lease with connections', () => {
  it('is confirmed for as long as its renewals are answered', async () => {
    await vi.advanceTimersByTimeAsync(10 * leaseFenceMs);
    expect(leases.listFenced()).toEqual([]);
    expect(leases.identityOf(lease)).toBe(worker.identity);
  });

  it('is given up after renewals failed for too long, and sure again once one is answered', async () => {
    await vi.advanceTimersByTimeAsync(leaseRenewMs);
    renewals.isAnswered = false;
    await vi.advanceTimersByTimeAsync(leaseFenceMs - leaseRenewMs);
    expect(leases.listFenced()).toEqual([]);
    await vi.advanceTimersByTimeAsync(leaseRenewMs);
    expect(leases.listFenced()).toEqual([lease]);
    expect(leases.identityOf(lease)).toBeUndefined();
    renewals.isAnswered = true;
    await vi.advanceTimersByTimeAsync(leaseRenewMs);
    expect(leases.listFenced()).toEqual([]);
  });

  it('is not confirmed by a renewal that says it is over', async () => {
    renewals.ended = [{ lease, reason: 'the lease is over' }];
    await vi.advanceTimersByTimeAsync(leaseFenceMs);
    expect(leases.listFenced()).toEqual([lease]);
    expect(renewals.heard[0]).toBe(`${lease} the lease is over`);
  });

  it('has no sure worker after the routes named another, until allocation named one', () => {
    leases.hear(lease, worker.identity);
    expect(renewals.heard).toEqual([]);
    leases.hear(lease, 'buildkit://x/another');
    expect(renewals.heard).toEqual(['buildkit://x/another']);
    expect(leases.identityOf(lease)).toBeUndefined();
    leases.open({ lease, worker, askedAtMs: Date.now() });
    expect(leases.identityOf(lease)).toBe(worker.identity);
  });
});

describe('turns', () => {
  it('follow each other for one key, whatever becomes of those before, and not for others', async () => {
    const takeTurn = createTurns();
    const first = Promise.withResolvers<undefined>();
    const begun: string[] = [];
    const take = (key: string, name: string, until: Promise<unknown>): Promise<unknown> =>
      takeTurn(key, () => {
        begun.push(name);
        return until;
      });
    const turns = [
      take('a', 'a1', first.promise),
      take('a', 'a2', Promise.resolve()),
      take('b', 'b1', Promise.resolve()),
    ];
    await turns[2];
    expect(begun).toEqual(['a1', 'b1']);
    first.reject(new Error('failed'));
    await expect(turns[0]).rejects.toThrow('failed');
    await turns[1];
    expect(begun).toEqual(['a1', 'b1', 'a2']);
  });
});

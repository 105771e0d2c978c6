import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  defaultMaxConnections,
  halfCloseTimeoutMs,
  idleTimeoutMs,
  maxConnectionBytes,
  maxConnectionLifetimeMs,
  maxWaitForWorkerMs,
} from '../../../api/limits/gateway.ts';
import { decideMaxConnections } from '../../../core/gateway/capacity.ts';
import { createCounters } from '../../../core/gateway/counters.ts';
import { findOverdue } from '../../../core/gateway/deadlines.ts';
import { findEnded, findRoute, readRoutesOf, toLeaseId } from '../../../core/gateway/route.ts';

describe('the cap on connections', () => {
  it('keeps all of them, none of which reads, within the memory', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200_000_000, max: 4_000_000_000 }), (limit) => {
        const count = decideMaxConnections(limit);
        expect(count * maxConnectionBytes).toBeLessThan(limit);
        expect(count).toBeGreaterThan(0);
      }),
    );
  });

  it('has a default where memory is not limited', () => {
    expect(decideMaxConnections(undefined)).toBe(defaultMaxConnections);
  });
});

describe('a connection', () => {
  const times = { openedAtMs: 0, lastByteAtMs: 0, halfClosedAtMs: undefined, waitingSinceMs: undefined };

  it.each([
    [undefined, times, idleTimeoutMs - 1],
    ['idle', times, idleTimeoutMs],
    ['half_closed', { ...times, halfClosedAtMs: 10 }, halfCloseTimeoutMs + 10],
    [undefined, { ...times, halfClosedAtMs: 10 }, halfCloseTimeoutMs + 9],
    ['no_worker', { ...times, lastByteAtMs: maxWaitForWorkerMs, waitingSinceMs: 0 }, maxWaitForWorkerMs],
    ['lifetime', { ...times, lastByteAtMs: maxConnectionLifetimeMs }, maxConnectionLifetimeMs],
    [undefined, { ...times, lastByteAtMs: maxConnectionLifetimeMs - 1 }, maxConnectionLifetimeMs - 1],
  ])('is overdue: %s', (overdue, connectionTimes, nowMs) => {
    expect(findOverdue(connectionTimes, nowMs)).toBe(overdue);
  });
});

describe('a route', () => {
  const hash = 'ab'.repeat(32);
  const leaseId = toLeaseId(hash);
  const worker = (name: string) => ({
    name,
    namespace: 'n',
    address: '10.0.0.1:1234',
    identity: `buildkit://x/${name}`,
  });
  const routes = {
    poolUID: 'uid',
    leases: [
      { lease: 'cd'.repeat(16), worker: worker('of-another') },
      { lease: leaseId, worker: worker('first') },
      { lease: `${leaseId}-1`, worker: worker('second') },
    ],
  };
  const identities: Record<string, string> = {
    [leaseId]: 'buildkit://x/first',
    [`${leaseId}-1`]: 'buildkit://x/second',
  };
  const find = (counts: Record<string, number>, connectionsPerLease?: number) =>
    findRoute(routes, {
      leaseId,
      countOf: (lease) => counts[lease] ?? 0,
      identityOf: (lease) => (counts[lease] === undefined ? undefined : identities[lease]),
      connectionsPerLease,
    });

  it('leads to the worker of the first lease of the certificate', () => {
    expect(find({ [leaseId]: 50 })?.worker.name).toBe('first');
  });

  it('leads to the next lease where the pool bounds the connections of one', () => {
    expect(find({ [leaseId]: 2 }, 3)?.worker.name).toBe('first');
    expect(find({ [leaseId]: 3, [`${leaseId}-1`]: 1 }, 3)?.worker.name).toBe('second');
    expect(find({ [leaseId]: 3, [`${leaseId}-1`]: 3 }, 3)).toBeUndefined();
  });

  it('asks where the lease is not open here: the routes may be old, and another gateway may have filled it', () => {
    expect(find({})).toBeUndefined();
    expect(find({}, 3)).toBeUndefined();
    expect(find({ [leaseId]: 3 }, 3)).toBeUndefined();
  });

  it('is none for a certificate without a lease, an ended lease, and one whose worker is being made', () => {
    const request = {
      leaseId,
      countOf: () => 1,
      identityOf: () => 'buildkit://x/w',
      connectionsPerLease: undefined,
    };
    const find1 = (lease: object) => findRoute({ poolUID: 'uid', leases: [{ lease: leaseId, ...lease }] }, request);
    expect(findRoute(undefined, request)).toBeUndefined();
    expect(find1({})).toBeUndefined();
    expect(find1({ worker: worker('w'), ended: 'revoked' })).toBeUndefined();
    expect(find1({ worker: worker('w') })?.lease).toBe(leaseId);
    expect(find1({ worker: worker('another-than-the-open-connections-have') })).toBeUndefined();
  });

  it('counts only where it was written for this pool', () => {
    expect(readRoutesOf('uid', routes)).toBe(routes);
    expect(readRoutesOf('other', routes)).toBeUndefined();
    expect([...findEnded({ poolUID: 'uid', leases: [{ lease: leaseId, ended: 'why' }] })]).toEqual([[leaseId, 'why']]);
  });
});

describe('the counters', () => {
  it('are due until what they count has arrived', () => {
    const counters = createCounters(new Date(0));
    expect(counters.isDue()).toBe(true);
    expect(counters.nextReport()).toMatchObject({ sequence: 1, active: 0, total: 0, lastConnectionTime: undefined });
    counters.opened(new Date(1));
    counters.reported();
    expect(counters.isDue()).toBe(true);
    expect(counters.nextReport()).toMatchObject({ sequence: 2, active: 1, total: 1, lastConnectionTime: new Date(1) });
    counters.reported();
    expect(counters.isDue()).toBe(false);
    counters.closed();
    expect(counters.nextReport()).toMatchObject({ sequence: 3, active: 0, total: 1 });
    expect(counters.active()).toBe(0);
  });
});

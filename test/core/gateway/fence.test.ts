import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaseDurationSeconds, minRenewalAgeMs } from '../../../api/limits/allocation.ts';
import { deadlineCheckMs } from '../../../api/limits/gateway.ts';
import { addConnection, confirm, isFenced, type HeldLease } from '../../../core/gateway/fence.ts';

const worker = { name: 'w', namespace: 'n', address: '10.0.0.1:1234', identity: 'buildkit://x/w' };
const asked = (askedAtMs: number, held?: HeldLease) => addConnection(held, { worker, askedAtMs });

describe('a lease that is not renewed', () => {
  it('loses its connections before it can be over, at the latest look and after a renewal that wrote nothing', () => {
    const leaseMs = leaseDurationSeconds * 1000 - minRenewalAgeMs;
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: deadlineCheckMs }), (sentAtMs, lookMs) => {
        const held = confirm(asked(sentAtMs - 1), sentAtMs);
        // One look is too early to end it, and the next is in time.
        const overAtMs = sentAtMs + leaseMs;
        expect(isFenced(held, overAtMs - deadlineCheckMs - lookMs)).toBe(false);
        expect(isFenced(held, overAtMs - lookMs)).toBe(true);
      }),
    );
  });

  it('counts from the last call that was sent, however late the answers to earlier ones come', () => {
    const held = confirm(confirm(asked(0), 50_000), 20_000);
    expect(held.confirmedAtMs).toBe(50_000);
    expect(asked(30_000, held)).toMatchObject({ confirmedAtMs: 50_000, connections: 2 });
    expect(asked(70_000, held)).toMatchObject({ confirmedAtMs: 70_000, connections: 2 });
  });

  it('is confirmed by no route', () => {
    expect(isFenced(addConnection(undefined, { worker }), 0)).toBe(true);
    expect(addConnection(asked(5), { worker }).confirmedAtMs).toBe(5);
  });
});

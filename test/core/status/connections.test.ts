import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Connections } from '../../../api/status.ts';
import { mergeConnections } from '../../../core/status/connections.ts';
import type { ReceivedReport } from '../../../core/status/report.ts';

const now = new Date('2026-01-02T03:04:05.678Z');
const key = { namespace: 'tenant-a', name: 'my-pool' };

const report = (uid: string, counters: Partial<ReceivedReport['report']> = {}): ReceivedReport => ({
  key,
  reporter: { namespace: 'tenant-a', pod: `pod-${uid}`, uid },
  report: {
    startedAt: new Date('2026-01-02T03:00:00Z'),
    sequence: 1,
    active: 1,
    total: 10,
    lastConnectionTime: undefined,
    ...counters,
  },
});

const merge = (stored: Connections | undefined, pods: readonly string[], ...reports: readonly ReceivedReport[]) =>
  mergeConnections(stored, { pods: new Set(pods), reports, now });

describe('mergeConnections', () => {
  test('writes zeros where nobody ever reported', () => {
    expect(mergeConnections(undefined, { pods: undefined, reports: [], now })).toEqual({ active: 0, total: 0 });
  });

  test('keeps what an earlier controller counted, and goes on from there', () => {
    const stored = { active: 2, total: 150, lastConnectionTime: '2025-12-18T23:00:00Z' };
    expect(merge(stored, ['a'])).toEqual(stored);
    expect(merge(stored, ['a'], report('a'))).toMatchObject({ active: 1, total: 160, retired: 150 });
  });

  test('sums the Pods, and tells when the last connection was opened', () => {
    const at = (time: string) => ({ lastConnectionTime: new Date(time) });
    const reports = [report('a', at('2026-01-02T03:01:02.9Z')), report('b', { active: 2, total: 5 })];
    expect(merge(undefined, ['a', 'b'], ...reports)).toEqual({
      active: 3,
      total: 15,
      lastConnectionTime: '2026-01-02T03:01:02Z',
      instances: [
        { uid: 'a', pod: 'pod-a', startedAt: '2026-01-02T03:00:00.000Z', sequence: 1, active: 1, total: 10 },
        { uid: 'b', pod: 'pod-b', startedAt: '2026-01-02T03:00:00.000Z', sequence: 1, active: 2, total: 5 },
      ],
      retired: 0,
    });
  });

  test('takes a time that is ahead of the clock for now, and never goes back', () => {
    const merged = merge(undefined, ['a'], report('a', { lastConnectionTime: new Date('2030-01-01T00:00:00Z') }));
    expect(merged.lastConnectionTime).toBe('2026-01-02T03:04:05Z');
    const earlier = report('a', { sequence: 2, lastConnectionTime: new Date('2026-01-01T00:00:00Z') });
    expect(merge(merged, ['a'], earlier).lastConnectionTime).toBe('2026-01-02T03:04:05Z');
  });

  test.each([
    ['again', report('a', { sequence: 5, active: 9, total: 99 })],
    ['late', report('a', { sequence: 4, active: 9, total: 99 })],
    ['of an earlier process', report('a', { startedAt: new Date('2026-01-02T02:59:59Z'), sequence: 6, total: 99 })],
    ['of a Pod that does not exist', report('ghost', { total: 99 })],
  ])('changes nothing by a report that comes %s', (_, again) => {
    const stored = merge(undefined, ['a'], report('a', { sequence: 5 }));
    expect(merge(stored, ['a'], again)).toEqual(stored);
  });

  test('keeps what a process counted that was started anew in its Pod', () => {
    const stored = merge(undefined, ['a'], report('a', { sequence: 5, active: 4 }));
    const restarted = report('a', { startedAt: new Date('2026-01-02T03:03:00Z'), active: 0, total: 1 });
    expect(merge(stored, ['a'], restarted)).toMatchObject({ active: 0, total: 11, retired: 10 });
  });

  test('keeps what a Pod counted that is gone, and does not count it again', () => {
    const stored = merge(undefined, ['a', 'b'], report('a', { active: 4 }), report('b'));
    const without = merge(stored, ['b']);
    expect(without).toMatchObject({ active: 1, total: 20, retired: 10 });
    expect(merge(without, ['b'], report('a', { sequence: 7, total: 12 }))).toEqual(without);
  });

  test('counts no more Pods than a status can hold', () => {
    const uids = Array.from({ length: 51 }, (_, index) => `pod-${index}`);
    const merged = merge(undefined, uids, ...uids.map((uid) => report(uid)));
    expect([merged.instances?.length, merged.total]).toEqual([50, 500]);
  });

  test('loses no precision, whatever is reported', () => {
    const most = Number.MAX_SAFE_INTEGER;
    const reports = ['a', 'b'].map((uid) => report(uid, { active: 2 ** 31 - 1, total: most }));
    expect(merge(undefined, ['a', 'b'], ...reports)).toMatchObject({ active: 2 ** 31 - 1, total: most });
  });
});

/** What happens to a gateway and to the reports of its Pods. */
type Step =
  | { readonly step: 'open' | 'close' | 'restart' | 'die'; readonly pod: number }
  | { readonly step: 'report'; readonly pod: number }
  | { readonly step: 'deliver'; readonly reports: readonly number[] };

const pods = 4;
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    step: fc.constantFrom<'open' | 'close' | 'restart' | 'die' | 'report'>(
      'open',
      'open',
      'close',
      'restart',
      'die',
      'report',
    ),
    pod: fc.nat(pods - 1),
  }),
  fc.record({ step: fc.constant('deliver' as const), reports: fc.array(fc.nat(50), { maxLength: 4 }) }),
);

/** A gateway whose Pods lose, repeat and reorder their reports. */
class Gateway {
  #generation = 0;
  #clock = Date.parse('2026-01-01T00:00:00Z');
  readonly sent: ReceivedReport[] = [];
  readonly alive = new Map<number, { uid: string; startedAt: Date; sequence: number; active: number; total: number }>();
  /** Connections of processes that said so before they ended, and of those that did not. */
  opened = 0;

  constructor() {
    for (let pod = 0; pod < pods; pod += 1) this.#start(pod);
  }

  #start(pod: number, uid = `uid-${pod}-${(this.#generation += 1)}`): void {
    this.alive.set(pod, { uid, startedAt: new Date((this.#clock += 1000)), sequence: 0, active: 0, total: 0 });
  }

  change(pod: number, step: 'open' | 'close'): void {
    const process = this.#get(pod);
    process.active = Math.max(0, process.active + (step === 'open' ? 1 : -1));
    process.total += step === 'open' ? 1 : 0;
    this.opened += step === 'open' ? 1 : 0;
  }

  report(pod: number): ReceivedReport {
    const process = this.#get(pod);
    process.sequence += 1;
    const { uid, startedAt, sequence, active, total } = process;
    const sent = report(uid, { startedAt, sequence, active, total });
    this.sent.push(sent);
    return sent;
  }

  /** Another process, in the same Pod or in another. */
  end(pod: number, how: 'restart' | 'die'): void {
    this.#start(pod, how === 'restart' ? this.#get(pod).uid : undefined);
  }

  #get(pod: number) {
    const process = this.alive.get(pod);
    if (process === undefined) throw new Error(`no Pod ${pod}`);
    return process;
  }

  uids = (): ReadonlySet<string> => new Set([...this.alive.values()].map(({ uid }) => uid));
  countActive = (): number => [...this.alive.values()].reduce((sum, { active }) => sum + active, 0);
}

test('the total never falls, never exceeds what was opened, and is right once every Pod was heard', () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 80, size: 'max' }), (steps) => {
      const gateway = new Gateway();
      let stored: Connections = {};
      const deliver = (reports: readonly ReceivedReport[]): void => {
        const before = stored.total ?? 0;
        stored = mergeConnections(stored, { pods: gateway.uids(), reports, now });
        expect(stored.total).toBeGreaterThanOrEqual(before);
        expect(stored.total).toBeLessThanOrEqual(gateway.opened);
      };
      for (const one of steps) {
        if (one.step === 'deliver') {
          deliver(one.reports.flatMap((index) => gateway.sent.at(index % Math.max(1, gateway.sent.length)) ?? []));
        } else if (one.step === 'report') {
          gateway.report(one.pod);
        } else if (one.step === 'open' || one.step === 'close') {
          gateway.change(one.pod, one.step);
        } else {
          // The last word of a process arrives before it ends; everything else may be lost, late or doubled.
          deliver([gateway.report(one.pod)]);
          gateway.end(one.pod, one.step);
        }
      }
      deliver([...gateway.alive.keys()].map((pod) => gateway.report(pod)).toReversed());
      expect(stored).toMatchObject({ active: gateway.countActive(), total: gateway.opened });
    }),
  );
});

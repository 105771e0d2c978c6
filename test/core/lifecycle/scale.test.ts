import { describe, expect, it } from 'vitest';
import { TEMPLATE_ANNOTATION } from '../../../api/names.ts';
import type { Pool } from '../../../api/v1beta1/pool.ts';
import type { Worker } from '../../../api/v1beta1/worker.ts';
import { planRoutes } from '../../../core/lifecycle/routes.ts';
import { planScale, type ScheduleTimes } from '../../../core/lifecycle/scale.ts';
import type { ObservedPool } from '../../../core/lifecycle/observed.ts';
import { before, domain, id, makeLease, makePool, makeWorker, now } from '../allocation/objects.ts';

const observe = (fields: Partial<ObservedPool>, spec: Pool['spec'] = {}): ObservedPool => ({
  key: { namespace: 'pools', name: 'p' },
  pool: makePool(spec),
  workers: [],
  labels: new Map(),
  pods: [],
  leases: [],
  ...fields,
});
type Scaling = NonNullable<NonNullable<Pool['spec']['workers']>['scaling']>;
const scale = (fields: Partial<ObservedPool>, scaling: Scaling = {}, schedule?: ScheduleTimes) => {
  const read = () => schedule ?? { previous: undefined, next: undefined };
  const plan = planScale(observe(fields, { workers: { scaling } }), now, read);
  const names = (objects: readonly { metadata: { name: string } }[]) => objects.map(({ metadata }) => metadata.name);
  return {
    ended: names(plan.leasesToDelete),
    released: names(plan.release),
    created: names(plan.create),
    deleted: names(plan.delete),
    nextDueAt: plan.nextDueAt?.toISOString(),
  };
};
const nothing = { ended: [], released: [], created: [], deleted: [] };
const minute = 60_000;

describe('leases', () => {
  it('are over 120 s after their last renewal, and their worker is free', () => {
    const worker = makeWorker('p-0', { lease: 'u' });
    const lease = (renewedMs: number) => ({ workers: [worker], leases: [makeLease('u', { worker, renewedMs })] });
    expect(scale(lease(119_000))).toMatchObject({ ...nothing, nextDueAt: '2026-01-02T12:00:01.000Z' });
    expect(scale(lease(120_000))).toMatchObject({ ...nothing, ended: [`p-${id}`], released: ['p-0'] });
  });

  it('free a worker whose Lease is gone, is another of that name, or has another worker', () => {
    const [worker, other] = [makeWorker('p-0', { lease: 'u' }), makeWorker('p-1', { lease: 'w' })];
    expect(scale({ workers: [worker] }).released).toEqual(['p-0']);
    expect(scale({ workers: [worker], leases: [makeLease('v', { worker })] }).released).toEqual(['p-0']);
    expect(scale({ workers: [worker, other], leases: [makeLease('u', { worker: other })] }).released).toHaveLength(2);
  });

  it('of a pool that had the name before are left to the garbage collector', () => {
    expect(scale({ leases: [makeLease('u', { poolUid: 'former', renewedMs: 1e9 })] }).ended).toEqual([]);
  });
});

describe('the number of workers', () => {
  it('is min idle ones beside those that are leased, and max at most', () => {
    const leased = makeWorker('p-1', { lease: 'u' });
    const leases = [makeLease('u', { worker: leased })];
    expect(scale({}, { min: 2 }).created).toEqual(['p-0', 'p-1']);
    expect(scale({ workers: [leased], leases }, { min: 2 }).created).toEqual(['p-0', 'p-2']);
    expect(scale({ workers: [leased], leases }, { min: 2, max: 2 }).created).toEqual(['p-0']);
  });

  it('falls after the idle timeout, never below min, the longest idle of a domain first', () => {
    const workers = [
      makeWorker('p-0', { ageMs: 9 * minute }),
      makeWorker('p-1', { ageMs: 8 * minute, domain }),
      makeWorker('p-2', { ageMs: 7 * minute, domain }),
      makeWorker('p-3', { ageMs: minute }),
    ];
    expect(scale({ workers }, { min: 2 }).deleted).toEqual(['p-1', 'p-2']);
    expect(scale({ workers }, { idleTimeout: '8m30s' }).deleted).toEqual(['p-0']);
    expect(scale({ workers: [makeWorker('p-0')] }).nextDueAt).toBe('2026-01-02T12:04:59.000Z');
  });

  it('counts from the last use', () => {
    const status = { phase: 'Idle', podIP: '10.0.0.1', lastActivityAt: before(minute) } as const;
    expect(scale({ workers: [makeWorker('p-0', { ageMs: 60 * minute, status })] }).deleted).toEqual([]);
  });

  it('leaves workers with a lease and workers of tenants alone, however old', () => {
    const leased = makeWorker('p-0', { lease: 'u', ageMs: 25 * 60 * minute });
    const foreign = makeWorker('theirs', { isForeign: true, ageMs: 25 * 60 * minute });
    expect(scale({ workers: [leased, foreign], leases: [makeLease('u', { worker: leased })] }).deleted).toEqual([]);
  });

  it('replaces a worker at 24 hours, and a failed one after a minute', () => {
    const old = makeWorker('p-0', { ageMs: 24 * 60 * minute });
    const failed = (ageMs: number) => makeWorker('p-1', { ageMs, status: { phase: 'Failed' } });
    expect(scale({ workers: [old] }, { min: 1 })).toMatchObject({ deleted: ['p-0'], created: ['p-1'] });
    expect(scale({ workers: [failed(minute)] }).deleted).toEqual(['p-1']);
    expect(scale({ workers: [failed(minute - 1000)] }).deleted).toEqual([]);
  });

  it('does not change for a worker that is not ready for a moment', () => {
    const worker = makeWorker('p-0', { lease: 'u', status: { phase: 'Provisioning' } });
    expect(scale({ workers: [worker], leases: [makeLease('u', { worker })] })).toMatchObject(nothing);
  });

  it('makes way for a lease of another domain that waits while all workers exist', () => {
    const workers = [makeWorker('p-0', { domain: 'e'.repeat(32) })];
    const leases = [makeLease('u')];
    expect(scale({ workers, leases }, { max: 1 }).deleted).toEqual(['p-0']);
    expect(scale({ workers, leases }, { max: 2 }).deleted).toEqual([]);
  });

  it('is zero from the schedule on until somebody builds', () => {
    const schedule = { previous: new Date(before(minute)), next: new Date('2026-01-03T00:00:00Z') };
    expect(scale({}, { min: 1, schedule: '0 0 * * *' }, schedule)).toMatchObject({
      ...nothing,
      nextDueAt: '2026-01-03T00:00:00.000Z',
    });
    const worker = makeWorker('p-0', { lease: 'u' });
    const used = { workers: [worker], leases: [makeLease('u', { worker })] };
    expect(scale(used, { min: 1, schedule: '0 0 * * *' }, schedule).created).toEqual(['p-1']);
  });

  it("is nobody else's but the owner's in mode manual", () => {
    expect(scale({ workers: [makeWorker('p-0', { ageMs: 9e9 })] }, { mode: 'manual', min: 3 })).toMatchObject(nothing);
  });
});

describe('a worker whose Pod was made of something else', () => {
  const podOf = (worker: Worker, template?: string): ObservedPool['pods'][number] => ({
    metadata: {
      ...worker.metadata,
      uid: `uid-of-pod-of-${worker.metadata.name}`,
      ownerReferences: [{ apiVersion: '', kind: '', name: '', uid: worker.metadata.uid, controller: true }],
      annotations: template === undefined ? {} : { [TEMPLATE_ANNOTATION]: template },
    },
  });
  const [idle, leased, foreign] = [
    makeWorker('p-0'),
    makeWorker('p-1', { lease: 'u' }),
    makeWorker('theirs', { isForeign: true }),
  ];
  const all = { workers: [idle, leased, foreign], leases: [makeLease('u', { worker: leased })] };

  it.each(['old', undefined])('is replaced when it is ours and idle (%s)', (template) => {
    const pods = all.workers.map((worker) => podOf(worker, template));
    const planned = scale({ ...all, pods, templateHash: 'new' }, { min: 2 });
    expect(planned).toMatchObject({ deleted: ['p-0'], created: ['p-2'] });
  });

  it('stays while it is as Pods are made now, and while it has none', () => {
    const pods = all.workers.map((worker) => podOf(worker, 'new'));
    expect(scale({ ...all, pods, templateHash: 'new' }, { min: 1 })).toMatchObject(nothing);
    expect(scale({ ...all, pods: [], templateHash: 'new' }, { min: 1 })).toMatchObject(nothing);
  });
});

describe('routes', () => {
  const worker = makeWorker('p-0', { lease: 'u' });
  const leases = [makeLease('u', { worker })];
  const settings = { clusterFqdn: 'dev.buildkit.internal', refused: new Set<string>(), nextDueAt: undefined };
  const routes = (fields: Partial<ObservedPool>, spec: Pool['spec'] = {}, more: Partial<typeof settings> = {}) =>
    planRoutes(observe({ workers: [worker], leases, ...fields }, spec), now, { ...settings, ...more })?.leases;

  it('lead to the worker that holds the lease', () => {
    const address = { address: '10.0.0.1:1234', name: 'p-0', namespace: 'pools' };
    const identity = 'buildkit://dev.buildkit.internal/ns/pools/worker/p-0/uid/uid-of-p-0';
    expect(routes({})).toEqual([{ lease: id, worker: { ...address, identity } }]);
  });

  it('lead nowhere while the worker is not ready, and end nothing', () => {
    expect(routes({ workers: [makeWorker('p-0', { lease: 'u', status: { phase: 'Provisioning' } })] })).toEqual([
      { lease: id },
    ]);
  });

  it("end with a revocation, with the right to use the pool, and with the worker's reference", () => {
    const ended = (found: ReturnType<typeof routes>) => found?.[0]?.ended;
    expect(ended(routes({}, { access: { revokedBefore: before(0) } }))).toContain('revoked');
    expect(ended(routes({}, {}, { refused: new Set(['u']) }))).toContain('may use the pool no more');
    const conditions: NonNullable<Worker['status']>['conditions'] = [
      { type: 'ResolvedRefs', status: 'False', reason: 'RefNotPermitted', message: '', lastTransitionTime: before(0) },
    ];
    const status = { phase: 'Allocated', podIP: '10.0.0.1', conditions } as const;
    expect(ended(routes({ workers: [makeWorker('p-0', { lease: 'u', status })] }))).toContain('worker');
  });
});

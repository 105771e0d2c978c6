/** What lifecycle does with a plan of how many workers there are, and with writes that come between. */
import { describe, expect, it } from 'vitest';
import type { Routes } from '../../../api/routes.ts';
import type { Pool } from '../../../api/v1beta1/pool.ts';
import type { Worker } from '../../../api/v1beta1/worker.ts';
import { scale, type ScalePorts } from '../../../functions/lifecycle/scaling.ts';
import type { BroughtUp } from '../../../functions/lifecycle/pods.ts';
import { id, makeLease, makePool, makeWorker, now } from '../../core/allocation/objects.ts';

type Written = 'written' | 'stale' | 'gone';
interface Answers {
  readonly lease?: Written;
  readonly release?: Written;
  readonly delete?: Written;
  readonly create?: 'written' | 'exists' | 'refused';
}

function createWorld(answers: Answers = {}, refused: ReadonlySet<string> = new Set()) {
  const steps: string[] = [];
  const routes: Routes[] = [];
  const note = <T>(step: string, answer: T): Promise<T> => {
    steps.push(step);
    return Promise.resolve(answer);
  };
  const ports: ScalePorts = {
    readSchedule: () => ({ previous: undefined, next: undefined }),
    deleteLease: ({ metadata }) => note(`delete lease ${metadata.uid}`, answers.lease ?? 'written'),
    releaseWorker: ({ metadata }) => note(`release ${metadata.name}`, answers.release ?? 'written'),
    createWorker: ({ metadata }) => note(`create ${metadata.name}`, answers.create ?? 'written'),
    deleteWorker: ({ metadata }) => note(`delete ${metadata.name}`, answers.delete ?? 'written'),
    findRefused: () => Promise.resolve(refused),
    writeRoutes: (_pool, written) => {
      routes.push(written);
      return Promise.resolve();
    },
    clusterFqdn: 'test.example',
    now: () => now,
  };
  return { steps, routes, run: (observed: BroughtUp) => scale(ports, observed) };
}

interface Fields {
  readonly pool?: Pool | undefined;
  readonly workers?: readonly Worker[];
  readonly leases?: BroughtUp['leases'];
}

const observe = ({ pool, workers = [], leases = [] }: Fields): BroughtUp => ({
  key: { namespace: 'pools', name: 'p' },
  pool,
  workers,
  labels: new Map(),
  pods: [],
  leases,
  found: new Map(),
  nextDueAt: new Date(now.getTime() + 3_600_000),
});

const leased = makeWorker('p-0', { lease: 'u' });
const over = makeLease('u', { worker: leased, renewedMs: 120_000 });
const old = makeWorker('p-1', { ageMs: 25 * 3_600_000 });
const busy = observe({
  pool: makePool({ workers: { scaling: { min: 1 } } }),
  workers: [leased, old],
  leases: [over],
});

describe('scaling', () => {
  it('deletes Leases that are over before it frees their workers, and only then makes and deletes workers', async () => {
    const { steps, routes, run } = createWorld();
    expect(await run(busy)).toBe(true);
    expect(steps).toEqual(['delete lease u', 'release p-0', 'delete p-1', 'create p-2']);
    expect(routes).toMatchObject([{ poolUID: 'pool-uid', leases: [] }]);
  });

  it('frees no worker where a renewal came before the deletion of its Lease', async () => {
    const { steps, run } = createWorld({ lease: 'stale' });
    expect(await run(busy)).toBe(false);
    expect(steps).toEqual(['delete lease u']);
  });

  it.each(['release', 'delete'] as const)('reads anew where a worker was written before its %s', async (step) => {
    const { steps, run } = createWorld({ [step]: 'stale' });
    expect(await run(busy)).toBe(false);
    expect(steps).toHaveLength(4);
  });

  it.each<[string, Answers]>([
    ['gone', { lease: 'gone', release: 'gone', delete: 'gone' }],
    ['there already', { create: 'exists' }],
    ['refused by a quota', { create: 'refused' }],
  ])('goes on where what it wants is %s', async (_, answers) => {
    expect(await createWorld(answers).run(busy)).toBe(true);
  });

  it('writes routes that name the worker of a live lease, or why it ended, and when something is due', async () => {
    const observed = observe({ pool: makePool(), workers: [leased], leases: [makeLease('u', { worker: leased })] });
    const { routes, run } = createWorld();
    await run(observed);
    expect(routes).toMatchObject([
      { nextDueAt: new Date(now.getTime() + 120_000).toISOString(), leases: [{ lease: id, worker: { name: 'p-0' } }] },
    ]);
    const refusing = createWorld({}, new Set(['u']));
    await refusing.run(observed);
    expect(refusing.routes[0]?.leases).toEqual([
      { lease: id, ended: 'the holder of the certificate may use the pool no more' },
    ]);
  });

  it('writes no routes of a pool that is gone or goes', async () => {
    const { routes, run } = createWorld();
    await run(observe({ pool: undefined }));
    await run(observe({ pool: makePool({}, { deletionTimestamp: now.toISOString() }) }));
    expect(routes).toEqual([]);
  });
});

import { expect, test } from 'vitest';
import type { Worker } from '../../../api/v1beta1/worker.ts';
import { countWorkers } from '../../../core/status/count.ts';
import { makePool, makeWorker } from './observed.ts';

test('counts the workers of the example in the specification', () => {
  const workers = [
    makeWorker('Idle'),
    makeWorker('Idle', { namespace: 'tenant-b' }),
    makeWorker('Running'),
    makeWorker('Allocated'),
    makeWorker('Provisioning'),
  ];
  expect(countWorkers(makePool(), workers)).toEqual({
    total: 5,
    ready: 4,
    idle: 3,
    allocated: 1,
    provisioning: 1,
    failed: 0,
    desired: 1,
    needed: 0,
  });
});

test.each([
  ['no phase', undefined, 'provisioning'],
  ['Pending', 'Pending', 'provisioning'],
  ['the old Running', 'Running', 'idle'],
  ['Failed', 'Failed', 'failed'],
] as const)('counts a worker with %s as %s', (_, phase, state) => {
  expect(countWorkers(makePool(), [makeWorker(phase)])).toMatchObject({ total: 1, [state]: 1 });
});

test.each(['Idle', 'Allocated', 'Provisioning'] as const)('counts a revoked worker as failed that is %s', (phase) => {
  const revoked = (status: 'True' | 'False'): Worker => ({
    ...makeWorker(phase),
    status: {
      phase,
      conditions: [{ type: 'ResolvedRefs', status, reason: 'Any', message: '', lastTransitionTime: 'then' }],
    },
  });
  expect(countWorkers(makePool(), [revoked('False')])).toMatchObject({ total: 1, ready: 0, failed: 1 });
  expect(countWorkers(makePool(), [revoked('True')])).toMatchObject({ total: 1, failed: 0 });
  const leaving = makeWorker('Terminating');
  expect(
    countWorkers(makePool(), [{ ...leaving, status: { ...revoked('False').status, phase: 'Terminating' } }]),
  ).toMatchObject({ total: 0 });
});

test('counts a worker nowhere that is terminating or being deleted', () => {
  const leaving = [makeWorker('Terminating'), makeWorker('Idle', { deletionTimestamp: '2026-01-01T00:00:00Z' })];
  expect(countWorkers(makePool(), leaving)).toMatchObject({ total: 0, ready: 0, idle: 0 });
});

test('counts a worker without pool namespace for the pool of its own namespace only', () => {
  const poolRef = { name: 'shared-pool' };
  const workers = [
    makeWorker('Idle', { namespace: 'buildkit-system', poolRef }),
    makeWorker('Idle', { namespace: 'tenant-a', poolRef }),
  ];
  expect(countWorkers(makePool(), workers).total).toBe(1);
});

test('leaves out workers of a pool with the same name in another namespace', () => {
  const poolRef = { name: 'shared-pool', namespace: 'tenant-b' };
  expect(countWorkers(makePool(), [makeWorker('Idle', { poolRef })]).total).toBe(0);
});

test('wants min idle workers beside the allocated ones', () => {
  const pool = makePool({ spec: { workers: { scaling: { min: 2 } } } });
  const workers = [makeWorker('Allocated'), makeWorker('Provisioning')];
  expect(countWorkers(pool, workers)).toMatchObject({ desired: 3, needed: 1 });
});

test('never wants more than max, which is 10 when absent', () => {
  const allocated = Array.from({ length: 9 }, () => makeWorker('Allocated'));
  expect(countWorkers(makePool({ spec: { workers: { scaling: { min: 5 } } } }), allocated).desired).toBe(10);
  expect(countWorkers(makePool({ spec: { workers: { scaling: { min: 5, max: 3 } } } }), allocated)).toMatchObject({
    desired: 3,
    needed: 0,
  });
});

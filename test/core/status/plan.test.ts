import { type PoolStatus, workerPhase } from '../../../api/status.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Observed } from '../../../core/status/observed.ts';
import { plan } from '../../../core/status/plan.ts';
import { makeDeployment, makeGateway, makeObserved, makePool, makeWorker, ours } from './observed.ts';

const now = new Date('2026-01-02T03:04:05.678Z');

function planWrite(observed: Observed, at = now): PoolStatus {
  const planned = plan(observed, at);
  if (planned === 'unchanged') throw new Error('expected a status to write');
  return planned;
}

const conditionOf = (status: PoolStatus, type: string) => status.conditions?.find((one) => one.type === type);

test('writes the whole status of a running pool', () => {
  expect(plan(makeObserved({ workers: [makeWorker('Idle'), makeWorker('Allocated')] }), now)).toEqual({
    phase: 'Running',
    endpoint: 'tcp://shared-pool.buildkit-system.svc:1235',
    gateway: {
      ready: true,
      replicas: 2,
      readyReplicas: 2,
      deploymentName: 'shared-pool-gateway',
      serviceName: 'shared-pool',
    },
    workers: { total: 2, ready: 2, idle: 1, allocated: 1, provisioning: 0, failed: 0, desired: 1, needed: 0 },
    workerNamespaces: ['tenant-a'],
    connections: { active: 0, total: 0 },
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Available',
        message: 'the pool takes builds',
        lastTransitionTime: '2026-01-02T03:04:05Z',
        observedGeneration: 3,
      },
      {
        type: 'GatewayReady',
        status: 'True',
        reason: 'GatewayServing',
        message: '2 of 2 gateway replicas are ready',
        lastTransitionTime: '2026-01-02T03:04:05Z',
        observedGeneration: 3,
      },
      {
        type: 'WorkersReady',
        status: 'True',
        reason: 'WorkersServing',
        message: 'workers ready: 2, wanted: 1',
        lastTransitionTime: '2026-01-02T03:04:05Z',
        observedGeneration: 3,
      },
      {
        type: 'ResolvedRefs',
        status: 'True',
        reason: 'ResolvedRefs',
        message: 'no OIDC config is listed',
        lastTransitionTime: '2026-01-02T03:04:05Z',
        observedGeneration: 3,
      },
    ],
    observedGeneration: 3,
  });
});

test.each([
  ['Terminating', 'being deleted', { pool: makePool({ deletionTimestamp: '2026-01-01T00:00:00Z' }) }],
  [
    'Failed',
    'all workers failed',
    { workers: [makeWorker('Failed')], gateway: makeGateway({ deployment: undefined }) },
  ],
  ['Pending', 'no gateway', { workers: [makeWorker('Idle')], gateway: makeGateway({ deployment: undefined }) }],
  ['ScaledToZero', 'no workers', {}],
  ['Running', 'some workers failed', { workers: [makeWorker('Failed'), makeWorker('Idle')] }],
] as const)('is %s: %s', (phase, _, fields) => {
  expect(planWrite(makeObserved(fields)).phase).toBe(phase);
});

test.each([
  ['Terminating', { pool: makePool({ deletionTimestamp: '2026-01-01T00:00:00Z' }) }, 'the pool is being deleted'],
  [
    'GatewayNotReady',
    { gateway: makeGateway({ deployment: undefined }) },
    'Deployment "shared-pool-gateway" does not exist',
  ],
  ['GatewayNotReady', { gateway: makeGateway({ service: undefined }) }, 'Service "shared-pool" does not exist'],
  [
    'GatewayNotReady',
    { gateway: makeGateway({ deployment: makeDeployment(2, 0) }) },
    '0 of 2 gateway replicas are ready',
  ],
  ['WorkersNotReady', { workers: [makeWorker('Failed'), makeWorker('Failed')] }, 'all workers failed: 2'],
  [
    'WorkersNotReady',
    { pool: makePool({ spec: { workers: { scaling: { min: 2 } } } }) },
    'workers ready: 0, wanted: 2',
  ],
] as const)('is not Ready for the reason %s', (reason, fields, message) => {
  expect(conditionOf(planWrite(makeObserved(fields)), 'Ready')).toMatchObject({ status: 'False', reason, message });
});

test('is Ready without workers when none is wanted', () => {
  const status = planWrite(makeObserved());
  expect(conditionOf(status, 'Ready')).toMatchObject({ status: 'True', reason: 'Available' });
  expect(conditionOf(status, 'WorkersReady')).toMatchObject({ status: 'True', reason: 'ScaledToZero' });
});

test('takes objects that merely have the names of the gateway for no gateway', () => {
  const foreign = { 'app.kubernetes.io/managed-by': 'helm' };
  const gateway = { deployment: makeDeployment(1, 1, foreign), service: { metadata: {} } };
  const observed = makeObserved({ gateway });
  expect(planWrite(observed).gateway).toEqual({ ready: false, replicas: 0, readyReplicas: 0 });
});

test('names the Deployment before it is ready', () => {
  const gateway = { deployment: { metadata: { labels: ours }, spec: { replicas: 1 } }, service: undefined };
  const observed = makeObserved({ gateway });
  expect(planWrite(observed).gateway).toEqual({
    ready: false,
    replicas: 1,
    readyReplicas: 0,
    deploymentName: 'shared-pool-gateway',
  });
});

test('keeps what it does not compute', () => {
  const kept: PoolStatus = {
    connections: { active: 2, total: 150, lastConnectionTime: '2025-12-18T23:00:00Z' },
    serverCert: { notAfter: '2026-06-01T00:00:00Z' },
    tlsSecretName: 'tls',
    lastActivityTime: '2025-12-18T23:00:00Z',
    lastScaleTime: '2025-12-18T22:00:00Z',
  };
  expect(planWrite(makeObserved({ pool: makePool({ status: kept }) }))).toMatchObject(kept);
});

test('names the namespaces of workers, and none where they are too many to be looked in one by one', () => {
  const workersIn = (...namespaces: string[]) => namespaces.map((namespace) => makeWorker('Idle', { namespace }));
  const stored = (workerNamespaces: string[]) => makePool({ status: { workerNamespaces } });
  const named = (...namespaces: string[]) => planWrite(makeObserved({ workers: workersIn(...namespaces) }));
  expect(named().workerNamespaces).toEqual([]);
  expect(named('b', 'a', 'b').workerNamespaces).toEqual(['a', 'b']);
  const many = planWrite(makeObserved({ pool: stored(['a']), workers: workersIn('a', 'b', 'c') }));
  expect(many).not.toHaveProperty('workerNamespaces');
  const leaving = [makeWorker('Terminating', { namespace: 'gone-soon' })];
  expect(planWrite(makeObserved({ workers: leaving })).workerNamespaces).toEqual(['gone-soon']);
});

test("keeps others' conditions", () => {
  const theirs = { type: 'Audited', status: 'True', reason: 'Yes', message: '', lastTransitionTime: 'then' } as const;
  const status = planWrite(makeObserved({ pool: makePool({ status: { conditions: [theirs] } }) }));
  expect(status.conditions?.map(({ type }) => type)).toEqual([
    'Audited',
    'Ready',
    'GatewayReady',
    'WorkersReady',
    'ResolvedRefs',
  ]);
  expect(status.conditions?.[0]).toEqual(theirs);
});

test('changes lastTransitionTime with the status of a condition, not with its message', () => {
  const first = planWrite(makeObserved({ workers: [makeWorker('Idle')] }));
  const later = new Date('2026-02-02T00:00:00Z');
  const next = (fields: Partial<Observed>) =>
    planWrite(makeObserved({ pool: makePool({ status: first }), ...fields }), later);
  const more = next({ workers: [makeWorker('Idle'), makeWorker('Idle')] });
  expect(conditionOf(more, 'WorkersReady')).toMatchObject({
    message: 'workers ready: 2, wanted: 0',
    lastTransitionTime: '2026-01-02T03:04:05Z',
  });
  const failed = next({ workers: [makeWorker('Failed')] });
  expect(conditionOf(failed, 'WorkersReady')?.lastTransitionTime).toBe('2026-02-02T00:00:00Z');
  expect(conditionOf(failed, 'GatewayReady')?.lastTransitionTime).toBe('2026-01-02T03:04:05Z');
});

const worker = fc
  .record({
    phase: fc.option(fc.constantFrom(...workerPhase.options), { nil: undefined }),
    namespace: fc.constantFrom('buildkit-system', 'tenant-a'),
    poolRef: fc.constantFrom({ name: 'shared-pool' }, { name: 'shared-pool', namespace: 'buildkit-system' }),
    isDeleted: fc.boolean(),
  })
  .map(({ phase, isDeleted, ...fields }) =>
    makeWorker(phase, { ...fields, ...(isDeleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) }),
  );

const observedArbitrary = fc
  .record({
    workers: fc.array(worker, { maxLength: 30 }),
    gateway: fc.record({
      deployment: fc.option(
        fc.tuple(fc.nat(3), fc.nat(3)).map(([replicas, ready]) => makeDeployment(replicas, ready)),
        { nil: undefined },
      ),
      service: fc.constantFrom(undefined, { metadata: { labels: ours } }),
    }),
    gatewayPods: fc.constant(undefined),
    extent: fc.constant({ namespaces: 'all' as const, version: 1 }),
    configs: fc.constant(new Map<string, never>()),
    min: fc.nat(20),
    max: fc.integer({ min: 1, max: 20 }),
  })
  .map(({ min, max, ...rest }) => ({ ...rest, pool: makePool({ spec: { workers: { scaling: { min, max } } } }) }));

test('plans nothing for a status that it wrote itself', () => {
  fc.assert(
    fc.property(observedArbitrary, fc.date({ noInvalidDate: true, min: now }), (observed, later) => {
      const pool = { ...observed.pool, status: planWrite(observed) };
      expect(plan({ ...observed, pool }, later)).toBe('unchanged');
    }),
  );
});

test('says of a gateway that was not looked at what it said before', () => {
  fc.assert(
    fc.property(observedArbitrary, fc.array(worker, { maxLength: 3 }), (observed, workers) => {
      const pool = { ...observed.pool, status: planWrite(observed) };
      expect(plan({ ...observed, pool, workers, gateway: undefined }, now)).toEqual(
        plan({ ...observed, pool, workers }, now),
      );
    }),
  );
});

test('writes counts that add up', () => {
  fc.assert(
    fc.property(observedArbitrary, (observed) => {
      const counts = planWrite(observed).workers ?? {};
      const { total = -1, ready = -1, idle = -1, allocated = -1, provisioning = -1, failed = -1 } = counts;
      expect(ready).toBe(idle + allocated);
      expect(total).toBe(ready + provisioning + failed);
      expect(total).toBeLessThanOrEqual(observed.workers.length);
      expect(Math.min(...Object.values(counts).map(Number))).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('writes the same status whatever the order of workers', () => {
  fc.assert(
    fc.property(observedArbitrary, (observed) => {
      expect(plan({ ...observed, workers: observed.workers.toReversed() }, now)).toEqual(plan(observed, now));
    }),
  );
});

test.each([
  ['Deployment "shared-pool-gateway"', makeGateway({ deployment: makeDeployment(2, 2, {}) })],
  ['Service "shared-pool"', makeGateway({ service: { metadata: { labels: {} } } })],
])('says that %s is somebody else’s, for as long as it stands there', (object, gateway) => {
  const message = `${object} is there and belongs to somebody else: rename it, or delete it`;
  const status = planWrite(makeObserved({ gateway }));
  expect(conditionOf(status, 'GatewayReady')).toMatchObject({ status: 'False', reason: 'NameConflict', message });
  expect(conditionOf(status, 'Ready')).toMatchObject({ status: 'False', message });
  // A run that a worker caused reads no gateway.
  const pool = makePool({ status });
  expect(plan(makeObserved({ pool, gateway: undefined }), now)).toBe('unchanged');
  const mended = planWrite(makeObserved({ pool }));
  expect(conditionOf(mended, 'GatewayReady')).toMatchObject({ status: 'True', reason: 'GatewayServing' });
});

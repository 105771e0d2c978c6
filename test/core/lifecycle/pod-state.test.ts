import { describe, expect, test } from 'vitest';
import { failedPodMs, imagePullPatienceMs, schedulingPatienceMs } from '../../../api/limits/lifecycle.ts';
import type { Worker } from '../../../api/v1beta1/worker.ts';
import type { Pod } from '../../../core/lifecycle/cluster-objects.ts';
import type { ObservedPool } from '../../../core/lifecycle/observed.ts';
import { plan } from '../../../core/lifecycle/plan.ts';
import { describePod, judgePod } from '../../../core/lifecycle/pod-state.ts';
import { planPods } from '../../../core/lifecycle/pods.ts';
import { grant, makeObserved, makePool, makeWorker, now } from './observed.ts';

const at = (ms: number): string => new Date(now.getTime() + ms).toISOString();
const ready = (status: string) => ({ type: 'Ready', status, lastTransitionTime: '2026-01-02T00:00:09Z' });

const makePod = (status: Pod['status'] = {}, more: Partial<Pod['metadata']> = {}): Pod => ({
  metadata: {
    name: 'worker',
    namespace: 'tenant-a',
    uid: 'uid-of-pod',
    resourceVersion: '1',
    creationTimestamp: at(-1000),
    labels: { 'buildkit.smrt-devops.net/leased': 'false' },
    ownerReferences: [
      { apiVersion: '', kind: 'BuildKitWorker', name: 'worker', uid: 'uid-of-worker', controller: true },
    ],
    ...more,
  },
  status,
});

const lease = { jobID: 'job', token: `sha256:${'0'.repeat(64)}`, acquiredAt: '2026-01-01T00:00:00Z' };
const leased: Worker = { ...makeWorker(), spec: { ...makeWorker().spec, lease } };
const judge = (pod: Pod, worker = makeWorker()) => {
  const { phase, verdict, nextDueAt } = judgePod(worker, { pod }, now);
  return [phase, verdict.reason, nextDueAt === undefined ? undefined : nextDueAt.getTime() - now.getTime()];
};
const waiting = (reason: string) => ({
  initContainerStatuses: [{ name: 'keys', state: { waiting: { reason, message: 'no such image' } } }],
});
const unscheduled = (reason: string) => ({
  conditions: [{ type: 'PodScheduled', status: 'False', reason, message: '0/1 nodes are available' }],
});

describe('a worker', () => {
  test('serves when its Pod is ready, for a lease or for nobody', () => {
    expect(judge(makePod({ conditions: [ready('True')] }))).toEqual(['Idle', 'Serving', undefined]);
    expect(judge(makePod({ conditions: [ready('True')] }), leased)).toEqual(['Allocated', 'Serving', undefined]);
  });

  test('keeps its phase when one probe is missed after it served', () => {
    const served = { ...leased, status: { podUID: 'uid-of-pod', readyAt: '2026-01-02T00:00:09Z' } };
    expect(judge(makePod({ conditions: [ready('False')] }), served)).toEqual(['Allocated', 'NotReady', undefined]);
  });

  test('waits for an image for two minutes', () => {
    expect(judge(makePod(waiting('ErrImagePull')))).toEqual([
      'Provisioning',
      'ImagePullFailed',
      imagePullPatienceMs - 1000,
    ]);
    const old = { creationTimestamp: at(-imagePullPatienceMs) };
    expect(judge(makePod(waiting('ImagePullBackOff'), old))).toEqual(['Failed', 'ImagePullFailed', undefined]);
  });

  test.each(['Unschedulable', 'SchedulingGated'])('waits for a node when it is %s, and not for ever', (reason) => {
    expect(judge(makePod(unscheduled(reason)))).toEqual(['Provisioning', reason, schedulingPatienceMs - 1000]);
    const old = { creationTimestamp: at(-schedulingPatienceMs) };
    expect(judge(makePod(unscheduled(reason), old))).toEqual(['Failed', reason, undefined]);
  });

  test('fails where the node never begins, which may have no user namespaces', () => {
    const status = { conditions: [{ type: 'PodReadyToStartContainers', status: 'False' }] };
    const { verdict } = judgePod(
      makeWorker(),
      { pod: makePod(status, { creationTimestamp: at(-imagePullPatienceMs) }) },
      now,
    );
    expect(verdict).toMatchObject({ reason: 'SandboxNotStarted' });
    expect(verdict.message).toContain('user namespaces');
  });

  test('fails when a build took all its memory, and when a container ends', () => {
    const ended = (reason: string, exitCode: number) => ({
      containerStatuses: [{ name: 'buildkitd', state: { terminated: { reason, exitCode } } }],
    });
    expect(judge(makePod(ended('OOMKilled', 137)))).toEqual(['Failed', 'OutOfMemory', undefined]);
    expect(judge(makePod(ended('Error', 1)))).toEqual(['Failed', 'PodFailed', undefined]);
    expect(judge(makePod({ phase: 'Failed', reason: 'Evicted' }))).toEqual(['Failed', 'PodFailed', undefined]);
  });

  test('does not fail because its keys are made', () => {
    const keys = [{ name: 'keys', state: { terminated: { reason: 'Completed', exitCode: 0 } } }];
    expect(judge(makePod({ initContainerStatuses: keys }))[0]).toBe('Provisioning');
  });

  test('says where it is', () => {
    const pod = makePod({ podIP: 'fd00::1', conditions: [ready('True')] });
    expect(describePod(makeWorker(), { pod })).toEqual({
      podName: 'worker',
      podUID: 'uid-of-pod',
      podIP: 'fd00::1',
      endpoint: 'tcp://[fd00::1]:1234',
      createdAt: at(-1000),
      readyAt: '2026-01-02T00:00:09Z',
    });
    expect(describePod(makeWorker(), undefined)).toEqual({});
  });

  test('says why the apiserver makes no Pod of it, in its status', () => {
    const refusal = { reason: 'QuotaExceeded', message: 'exceeded quota: builds' };
    const worker = makeWorker({ status: { podName: 'old', podUID: 'old', podIP: '10.0.0.1' } });
    const observed = makeObserved({
      pool: makePool(grant('All')),
      workers: [worker],
      found: new Map([[worker.metadata.uid, { refusal }]]),
    });
    const [written] = plan(observed, new Map(), now).workers;
    expect(written?.status).toMatchObject({ phase: 'Failed', message: 'exceeded quota: builds' });
    expect(written?.status).not.toHaveProperty('podIP');
    expect(written?.status.conditions?.map(({ reason }) => reason)).toEqual(['Granted', 'QuotaExceeded']);
  });
});

describe('the Pods of a pool', () => {
  const open = makePool(grant('All'));
  const observe = (fields: Partial<ObservedPool>): ObservedPool => ({
    ...makeObserved({ pool: open }),
    pods: [],
    leases: [],
    ...fields,
  });
  const steps = (fields: Partial<ObservedPool>, time = now) => {
    const { create, relabel, delete: deleted, nextDueAt } = planPods(observe(fields), new Map(), time);
    return { create: create.length, relabel: relabel.length, delete: deleted.length, due: nextDueAt?.toISOString() };
  };
  const nothing = { create: 0, relabel: 0, delete: 0, due: undefined };

  test('are made of workers whose reference counts, and of no others', () => {
    expect(steps({})).toEqual({ ...nothing, create: 1 });
    expect(steps({ pool: undefined })).toEqual(nothing);
    expect(steps({ pool: makePool({ ...grant('All') }, { deletionTimestamp: at(0) }) })).toEqual(nothing);
    const closed = makeWorker({ requester: null });
    expect(steps({ pool: makePool(), workers: [closed] })).toEqual(nothing);
  });

  test('of others are not taken for ours', () => {
    const theirs = makePod({}, { ownerReferences: [] });
    expect(steps({ pods: [theirs] })).toEqual({ ...nothing, create: 1 });
  });

  test('go when the reference counts no more, and not in the middle of a lease', () => {
    const closed = { pool: makePool(), workers: [makeWorker({ requester: null })] };
    expect(steps({ ...closed, pods: [makePod()] })).toEqual({ ...nothing, delete: 1 });
    const busy = { ...leased, spec: { ...makeWorker({ requester: null }).spec, lease } };
    const pods = [makePod({}, { labels: { 'buildkit.smrt-devops.net/leased': 'true' } })];
    expect(steps({ ...closed, workers: [busy], pods })).toEqual(nothing);
  });

  test('say whether they may be evicted', () => {
    expect(steps({ workers: [leased], pods: [makePod()] })).toEqual({ ...nothing, relabel: 1 });
    expect(steps({ pods: [makePod()] })).toEqual(nothing);
  });

  test('that failed are kept for a minute, for whoever looks why', () => {
    const condition = {
      type: 'Ready',
      status: 'False',
      reason: 'PodFailed',
      message: '',
      lastTransitionTime: at(0),
    } as const;
    const worker = makeWorker({ status: { phase: 'Failed', conditions: [condition] } });
    const fields = { workers: [worker], pods: [makePod({ phase: 'Failed' })] };
    expect(steps(fields)).toEqual({ ...nothing, due: at(failedPodMs) });
    expect(steps(fields, new Date(now.getTime() + failedPodMs))).toEqual({ ...nothing, delete: 1 });
  });

  test('that are being deleted are left alone', () => {
    expect(steps({ pods: [makePod({}, { deletionTimestamp: at(0) })] })).toEqual(nothing);
  });
});

import { describe, expect, it } from 'vitest';
import { KubeError, type KubeCall } from '../../../adapters/kube/client.ts';
import { createEventRecorder } from '../../../adapters/kube/event-recorder.ts';
import type { RecordOutcome } from '../../../api/names.ts';
import type { ObjectEvent } from '../../../core/kubernetes-events/event.ts';

const event: ObjectEvent = {
  kind: 'BuildKitPool',
  metadata: { name: 'my-pool', namespace: 'tenant-a', uid: 'uid-1', resourceVersion: '7' },
  type: 'Warning',
  reason: 'NoReadyReplica',
  action: 'ComputeStatus',
  note: '0 of 2 gateway replicas are ready',
};
const later = (resourceVersion: string, change: Partial<ObjectEvent> = {}): ObjectEvent => ({
  ...event,
  ...change,
  metadata: { ...event.metadata, resourceVersion },
});

function createWorld(answer: (call: KubeCall) => Promise<unknown> = () => Promise.resolve({})) {
  const calls: KubeCall[] = [];
  const outcomes: RecordOutcome[] = [];
  const logged: unknown[] = [];
  let nowMs = Date.parse('2026-01-01T00:00:00Z');
  const recordEvents = createEventRecorder({
    kube: {
      call: (call) => {
        calls.push(call);
        return answer(call);
      },
    },
    part: 'status',
    instance: 'buildkit-status-0',
    now: () => nowMs,
    log: { warn: (fields, message) => logged.push([message, fields]) },
    count: (outcome) => outcomes.push(outcome),
  });
  const wait = (ms: number) => {
    nowMs += ms;
  };
  return { recordEvents, calls, outcomes, logged, wait };
}

const nameOf = (call: KubeCall | undefined) => (call?.body as { metadata: { name: string } }).metadata.name;

describe('an Event', () => {
  it('is created in the namespace of its object', async () => {
    const { recordEvents, calls } = createWorld();
    await recordEvents([event]);
    expect(calls).toEqual([
      {
        method: 'POST',
        path: '/apis/events.k8s.io/v1/namespaces/tenant-a/events',
        timeoutMs: 1000,
        body: {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: { name: expect.stringMatching(/^my-pool\.[0-9a-f]{16}$/) as string, namespace: 'tenant-a' },
          eventTime: '2026-01-01T00:00:00.000000Z',
          reportingController: 'buildkit.smrt-devops.net/status',
          reportingInstance: 'buildkit-status-0',
          action: 'ComputeStatus',
          reason: 'NoReadyReplica',
          regarding: {
            apiVersion: 'buildkit.smrt-devops.net/v1beta1',
            kind: 'BuildKitPool',
            namespace: 'tenant-a',
            name: 'my-pool',
            uid: 'uid-1',
            resourceVersion: '7',
          },
          note: '0 of 2 gateway replicas are ready',
          type: 'Warning',
        },
      },
    ]);
  });

  it('has the same name whichever instance records it', async () => {
    const [one, other] = [createWorld(), createWorld(() => Promise.reject(new KubeError(409, 'AlreadyExists', '')))];
    await one.recordEvents([event]);
    await other.recordEvents([event]);
    expect(nameOf(other.calls[0])).toBe(nameOf(one.calls[0]));
    expect([one.outcomes, other.outcomes, other.logged]).toEqual([['told'], ['known'], []]);
  });

  it('has another name after another change', async () => {
    const { recordEvents, calls, wait } = createWorld();
    await recordEvents([event]);
    wait(3_600_000);
    await recordEvents([later('8')]);
    expect(nameOf(calls[1])).not.toBe(nameOf(calls[0]));
  });

  it('has a name and a note that the apiserver accepts', async () => {
    const { recordEvents, calls } = createWorld();
    const name = `${'a'.repeat(235)}.${'b'.repeat(17)}`;
    await recordEvents([{ ...event, metadata: { ...event.metadata, name }, note: 'é'.repeat(1024) }]);
    expect(nameOf(calls[0])).toMatch(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/);
    expect(nameOf(calls[0])).toMatch(/[a-z0-9]\.[0-9a-f]{16}$/);
    expect((calls[0]?.body as { note: string }).note).toBe('é'.repeat(512));
  });
});

describe('an Event that repeats', () => {
  it('within minutes extends the series of the first', async () => {
    const { recordEvents, calls, outcomes, wait } = createWorld();
    await recordEvents([event]);
    wait(60_000);
    await recordEvents([later('8')]);
    wait(60_000);
    await recordEvents([later('9')]);
    expect(outcomes).toEqual(['told', 'repeated', 'repeated']);
    expect(calls[2]).toEqual({
      method: 'PATCH',
      path: `/apis/events.k8s.io/v1/namespaces/tenant-a/events/${nameOf(calls[0])}`,
      contentType: 'application/merge-patch+json',
      timeoutMs: 1000,
      body: { series: { count: 3, lastObservedTime: '2026-01-01T00:02:00.000000Z' } },
    });
  });

  it('with another reason is created on its own', async () => {
    const { recordEvents, outcomes } = createWorld();
    await recordEvents([event, later('8', { reason: 'GatewayServing', type: 'Normal' })]);
    expect(outcomes).toEqual(['told', 'told']);
  });

  it('is created anew where somebody deleted the first', async () => {
    const { recordEvents, outcomes } = createWorld(({ method }) =>
      method === 'PATCH' ? Promise.reject(new KubeError(404, 'NotFound', '')) : Promise.resolve({}),
    );
    await recordEvents([event, later('8')]);
    expect(outcomes).toEqual(['told', 'told']);
  });

  it.each([
    ['extends its series', undefined, ['failed', 'repeated']],
    ['is created where the first was never stored', new KubeError(404, 'NotFound', ''), ['failed', 'told']],
  ])('after one whose answer was lost %s', async (_, patched, expected) => {
    let lost = 1;
    const { recordEvents, outcomes } = createWorld(({ method }) => {
      if (method === 'PATCH') return patched === undefined ? Promise.resolve({}) : Promise.reject(patched);
      return lost-- > 0 ? Promise.reject(new KubeError(0, 'Unreachable', '')) : Promise.resolve({});
    });
    await recordEvents([event, later('8')]);
    expect(outcomes).toEqual(expected);
  });

  it('too often is dropped, for that object alone', async () => {
    const { recordEvents, calls, outcomes, wait } = createWorld();
    await recordEvents(Array.from({ length: 12 }, (_, index) => later(String(index))));
    expect(calls).toHaveLength(10);
    expect(outcomes.slice(10)).toEqual(['limited', 'limited']);
    await recordEvents([{ ...event, metadata: { ...event.metadata, uid: 'uid-2' } }]);
    wait(60_000);
    await recordEvents([later('13'), later('14')]);
    expect(outcomes.slice(12)).toEqual(['told', 'repeated', 'limited']);
  });
});

describe('an Event that can not be created', () => {
  it('delays its caller by no more than a second, and is logged without its note', async () => {
    const { recordEvents, outcomes, logged } = createWorld(() => Promise.reject(new KubeError(403, 'Forbidden', 'no')));
    await expect(recordEvents([event])).resolves.toBeUndefined();
    expect(outcomes).toEqual(['failed']);
    expect(logged).toEqual([['event not recorded', { object: 'my-pool', reason: 'NoReadyReplica', error: 'no' }]]);
  });

  it('is created when its change is recorded again', async () => {
    let isDown = true;
    const { recordEvents, calls, outcomes } = createWorld(({ method }) => {
      if (isDown) return Promise.reject(new KubeError(0, 'Unreachable', 'down'));
      return method === 'PATCH' ? Promise.reject(new KubeError(404, 'NotFound', '')) : Promise.resolve({});
    });
    await recordEvents([event]);
    isDown = false;
    await recordEvents([event]);
    expect(outcomes).toEqual(['failed', 'told']);
    expect(nameOf(calls[2])).toBe(nameOf(calls[0]));
  });
});

/** What a function tells of what it is asked, runs and writes. */
import { describe, expect, it } from 'vitest';
import { followTrace } from '../../../adapters/activity.ts';
import { KubeError } from '../../../adapters/kube/client.ts';
import { createFunctionMetrics } from '../../../adapters/observe/function-metrics.ts';
import { observeRequests } from '../../../adapters/observe/requests.ts';
import { createRunObserver } from '../../../adapters/observe/runs.ts';
import { observeWrite, type WriteResult } from '../../../adapters/observe/writes.ts';
import type { ObjectVersion } from '../../../core/events/parse.ts';
import { STATUS_REFUSED, type ObjectEvent } from '../../../core/kubernetes-events/event.ts';

const pool = { namespace: 'tenant-a', name: 'my-pool' };
const metadata = { ...pool, uid: 'uid-1', resourceVersion: '7' };

function createWorld() {
  const logged: unknown[][] = [];
  const log = {
    info: (fields: object, message: string) => logged.push([message, fields]),
    warn: (fields: object, message: string) => logged.push([message, fields]),
  };
  const metrics = createFunctionMetrics('status');
  const count = async (name: string) =>
    (await metrics.readMetrics()).text.split('\n').filter((line) => line.startsWith(name) && !line.endsWith(' 0'));
  return { metrics, log, logged, count };
}

describe('what is asked', () => {
  const asked = { '/status/events': 'event', '/status/reports': 'report' } as const;

  function createApp(status: number) {
    let nowMs = 0;
    const world = createWorld();
    const app = observeRequests({ fetch: () => new Response(null, { status }) }, asked, { ...world, now: () => nowMs });
    const wait = (ms: number) => {
      nowMs += ms;
    };
    const post = (path: string, headers: Record<string, string> = {}) => app.request(path, { method: 'POST', headers });
    return { ...world, post, wait };
  }

  it.each([
    [200, 'done'],
    [202, 'not_ours'],
    [400, 'malformed'],
    [401, 'refused'],
    [413, 'too_large'],
    [503, 'failed'],
  ])('is counted when it is answered %i', async (status, outcome) => {
    const { post, count } = createApp(status);
    expect((await post('/status/events', { 'ce-kind': 'BuildKitPool' })).status).toBe(status);
    expect(await count('buildkit_events_total')).toEqual([
      `buildkit_events_total{kind="BuildKitPool",outcome="${outcome}",part="status"} 1`,
    ]);
  });

  it('is counted under a known kind, whatever the request claims', async () => {
    const { post, count } = createApp(200);
    await post('/status/events', { 'ce-kind': 'a word of a stranger' });
    await post('/status/events', { 'ce-type': 'dev.knative.sources.ping' });
    await post('/status/reports');
    await post('/healthz');
    expect(await count('buildkit_events_total')).toEqual([
      'buildkit_events_total{kind="other",outcome="done",part="status"} 1',
      'buildkit_events_total{kind="resync",outcome="done",part="status"} 1',
    ]);
    expect(await count('buildkit_connection_reports_total')).toEqual([
      'buildkit_connection_reports_total{outcome="done",part="status"} 1',
    ]);
  });

  it('is logged once a minute where it is refused, with how often it was', async () => {
    const { post, wait, logged } = createApp(401);
    for (let time = 0; time < 5; time += 1) await post('/status/events');
    wait(60_000);
    await post('/status/events');
    expect(logged).toEqual([
      ['request refused', { request: 'event', outcome: 'refused', moreBefore: 0 }],
      ['request refused', { request: 'event', outcome: 'refused', moreBefore: 4 }],
    ]);
  });
});

describe('a run', () => {
  const traceIds = ['4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c'];
  const object: ObjectVersion = { kind: 'pool', namespace: 'tenant-a', version: 7 };

  /** Events with these traces come in. */
  function arrive(observer: ReturnType<typeof createRunObserver>, isCovered = false): ObjectVersion[] {
    return traceIds.map((traceId) => {
      const named = { ...object };
      const headers = new Headers({ traceparent: `00-${traceId}-00f067aa0ba902b7-00` });
      followTrace({ headers }, () => observer.isCovered(() => isCovered)(pool, named));
      return named;
    });
  }

  it('logs one line with what it did and the traces of all its events', async () => {
    const { metrics, log, logged, count } = createWorld();
    const observer = createRunObserver({ metrics, log });
    await observer.recompute(() => Promise.resolve())(pool, arrive(observer));
    expect(logged).toEqual([
      [
        'pool recomputed',
        {
          pool: 'tenant-a/my-pool',
          outcome: 'unchanged',
          ms: expect.any(Number) as number,
          calls: 0,
          writes: 0,
          merged: 1,
          links: [traceIds[1]],
        },
      ],
    ]);
    expect(await count('buildkit_recompute_duration_seconds_count')).toHaveLength(1);
  });

  it('logs nothing when it fails, because its caller does', async () => {
    const { metrics, log, logged, count } = createWorld();
    const observer = createRunObserver({ metrics, log });
    await expect(observer.recompute(() => Promise.reject(new Error('no')))(pool, [])).rejects.toThrow('no');
    expect(logged).toEqual([]);
    expect(await count('buildkit_recompute_duration_seconds_count')).toEqual([
      'buildkit_recompute_duration_seconds_count{part="status",outcome="failed"} 1',
    ]);
  });

  it('does not start for covered events, which are counted', async () => {
    const { metrics, log, logged, count } = createWorld();
    arrive(createRunObserver({ metrics, log }), true);
    expect(logged).toEqual([]);
    expect(await count('buildkit_events_covered_total')).toEqual(['buildkit_events_covered_total{part="status"} 2']);
  });

  it('of a resync logs one line, beside those of the pools it wrote', async () => {
    const { metrics, log, logged } = createWorld();
    const observer = createRunObserver({ metrics, log });
    const write = observeWrite(
      { kind: 'BuildKitPool', write: () => Promise.resolve('written' as const), makeEvents: () => [] },
      { metrics, recordEvents: () => Promise.resolve() },
    );
    const recompute = observer.recompute(async ({ name }) => {
      if (name === 'changed') await write({ metadata }, {});
    });
    await observer.resync(async () => {
      for (const name of ['same', 'changed', 'same']) await recompute({ ...pool, name }, []);
    })(() => Promise.resolve());
    expect(logged).toMatchObject([
      ['pool recomputed', { pool: 'tenant-a/changed', outcome: 'written', writes: 1 }],
      ['resync done', { calls: 0, writes: 1 }],
    ]);
  });

  it('of a resync that fails keeps the time of the last success', async () => {
    const { metrics, log, count } = createWorld();
    const before = await count('buildkit_last_successful_resync');
    const { resync } = createRunObserver({ metrics, log });
    await expect(resync(() => Promise.reject(new Error('no')))(() => Promise.resolve())).rejects.toThrow('no');
    expect(await count('buildkit_last_successful_resync')).toEqual(before);
  });
});

describe('a write', () => {
  function createWrite(write: () => Promise<WriteResult>) {
    const world = createWorld();
    const reasons: string[] = [];
    const event: ObjectEvent = {
      kind: 'BuildKitPool',
      metadata,
      type: 'Normal',
      reason: 'Available',
      action: '',
      note: '',
    };
    const recordEvents = (all: readonly ObjectEvent[]) => {
      reasons.push(...all.map(({ reason }) => reason));
      return Promise.resolve();
    };
    const observed = observeWrite(
      { kind: 'BuildKitPool', write, makeEvents: () => [event] },
      { ...world, recordEvents },
    );
    return { ...world, reasons, write: () => observed({ metadata }, {}) };
  }

  it.each<[WriteResult, string, readonly string[]]>([
    ['written', 'written', ['Available']],
    [{ written: '8' }, 'written', ['Available']],
    ['stale', 'stale', []],
    ['gone', 'gone', []],
  ])('that ends as %o is counted, and records Events when it succeeded', async (applied, outcome, expected) => {
    const { write, reasons, count } = createWrite(() => Promise.resolve(applied));
    expect(await write()).toBe(applied);
    expect(reasons).toEqual(expected);
    expect(await count('buildkit_writes_total')).toEqual([
      `buildkit_writes_total{kind="BuildKitPool",outcome="${outcome}",part="status"} 1`,
    ]);
  });

  it.each([
    [403, [STATUS_REFUSED]],
    [422, [STATUS_REFUSED]],
    [429, []],
    [500, []],
    [0, []],
  ])('that is answered %i fails, and records an Event when a retry can not help', async (status, expected) => {
    const { write, reasons } = createWrite(() => Promise.reject(new KubeError(status, '', 'no')));
    await expect(write()).rejects.toThrow('no');
    expect(reasons).toEqual(expected);
  });
});

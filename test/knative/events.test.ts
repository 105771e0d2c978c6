/**
 * What must hold of events, with Knative's own programs in their path: the adapter of an ApiServerSource sends what the
 * apiserver tells it, through queue-proxy, to the function `status` as production runs it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AuditedCall } from '../../dev/audit.ts';
import { findFreePort, type Child } from '../../dev/child.ts';
import { isBehindQueueProxyReady, reserveQueueProxy } from '../../dev/knative.ts';
import { bringUpEvents, type EventsWorld } from './events-world.ts';
import { post, type HttpEvent, type Received } from '../dev/gate.ts';
import type { Key } from '../dev/objects.ts';
import { recount } from '../dev/recount.ts';

const soon = { timeout: 120_000, interval: 20 };
const namespace = 'default';
const mark: Key = { namespace, name: 'mark' };
const reserved = await reserveQueueProxy(5 * 60_000);

const isWrite = ({ verb }: AuditedCall): boolean => verb !== 'get' && verb !== 'list';
/** One LIST of workers, or one for each namespace, follows it. */
const isRun = ({ verb, objectRef }: AuditedCall): boolean => verb === 'get' && objectRef?.resource === 'buildkitpools';
/** The apiserver is asked who sends, too, which is no write of ours. */
const isStatusWrite = (call: AuditedCall): boolean => isWrite(call) && call.objectRef?.subresource === 'status';

if (typeof reserved === 'string') it.skip(`not run: ${reserved}`, () => undefined);
else {
  describe('events by Knative', () => {
    run(reserved.free);
  });
}

function run(free: () => void): void {
  let world: EventsWorld;
  let source: Child;
  let made = 0;
  beforeAll(async () => {
    world = await bringUpEvents();
    source = await world.startSource();
  });
  // What one test keeps from the function is not kept from it in the next.
  afterEach(() => {
    world.gate.behave('pass');
  });
  afterAll(async () => {
    await world.end();
    free();
  });

  const makeKey = (prefix: string): Key => ({ namespace, name: `${prefix}-${made++}` });

  async function makePool(workers = 0): Promise<{ readonly pool: Key; readonly workers: readonly Key[] }> {
    const pool = makeKey('pool');
    await world.objects.createPool(pool);
    const keys = Array.from({ length: workers }, () => makeKey('worker'));
    for (const key of keys) await world.objects.createWorker(key, pool);
    await expect.poll(() => readTotal(pool), soon).toBe(workers);
    await world.waitForPool(pool);
    for (const key of keys) await expect.poll(() => world.findEvent('BuildKitWorker', key), soon).toBeDefined();
    return { pool, workers: keys };
  }

  const readTotal = async (pool: Key) => (await world.objects.readPool(pool)).status?.workers?.total;

  async function expectTrue(key: Key): Promise<void> {
    const pool = await world.objects.readPool(key);
    expect(pool.status?.workers).toEqual(recount(pool, await world.objects.listWorkers()));
  }

  function eventOf(worker: Key, type?: 'add' | 'update' | 'delete'): Received {
    const event = world.findEvent('BuildKitWorker', worker, type);
    if (event === undefined) throw new Error(`expected an event about ${worker.name}`);
    return event;
  }

  const send = (event: HttpEvent): Promise<number> => post(world.sink, event);

  /** What a PingSource sends, by the token of the other source. */
  const ping = (like: HttpEvent): HttpEvent => ({
    headers: {
      authorization: like.headers['authorization'] ?? '',
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': String(made++),
      'ce-source': '/apis/v1/namespaces/buildkit-system/pingsources/test',
      'ce-type': 'dev.knative.sources.ping',
    },
    body: '{"resync":"all"}',
  });

  /** Makes a change of the worker that the source tells of in vain. @returns what it told. */
  async function miss(worker: Key, change: () => Promise<void>): Promise<Received> {
    world.gate.behave('lose');
    const before = world.gate.received.length;
    const isAbout = ({ headers }: Received) =>
      headers['ce-kind'] === 'BuildKitWorker' && headers['ce-name'] === worker.name;
    await change();
    await expect.poll(() => world.gate.received.slice(before).some(isAbout), soon).toBe(true);
    return eventOf(worker);
  }

  const withId = ({ headers, body }: HttpEvent): HttpEvent => ({
    headers: { ...headers, 'ce-id': String(made++) },
    body,
  });

  /** An event that no run before it answers: it says nothing of when it was. */
  const uncovered = (event: HttpEvent): HttpEvent => {
    const { headers, body } = withId(event);
    return { headers, body: body.replaceAll(/"resourceVersion":"\d+"/g, '"resourceVersion":""') };
  };

  it('writes nothing for the second of two equal events', async () => {
    const { pool, workers } = await makePool(1);
    const event = eventOf(workers[0] ?? pool);
    const before = (await world.objects.readPool(pool)).metadata.resourceVersion;
    await world.takeCalls();
    expect([await send(event), await send(event)]).toEqual([200, 200]);
    expect((await world.takeCalls()).filter(isStatusWrite)).toEqual([]);
    expect((await world.objects.readPool(pool)).metadata.resourceVersion).toBe(before);
  });

  it('a delete before its add, a delete of what exists, an event of the past: what a list says', async () => {
    const { pool } = await makePool();
    const [gone, there] = [makeKey('worker'), makeKey('worker')];
    world.gate.behave('lose');
    await world.objects.createWorker(gone, pool);
    await world.objects.deleteWorker(gone);
    await expect.poll(() => world.findEvent('BuildKitWorker', gone, 'delete'), soon).toBeDefined();
    world.gate.behave('pass');
    for (const event of [eventOf(gone, 'delete'), eventOf(gone, 'add')]) {
      expect(await send(event)).toBe(200);
      await expectTrue(pool);
    }
    await world.objects.createWorker(there, pool);
    await expect.poll(() => world.findEvent('BuildKitWorker', there, 'add'), soon).toBeDefined();
    const { headers, body } = eventOf(there, 'add');
    const deleted = { headers: { ...headers, 'ce-type': 'dev.knative.apiserver.resource.delete' }, body };
    for (const event of [deleted, eventOf(gone, 'add')]) {
      expect(await send(event)).toBe(200);
      await expectTrue(pool);
    }
    expect(await readTotal(pool)).toBe(1);
  });

  it('the source down: it tells nothing of what it missed, and a ping repairs every pool', async () => {
    const [first, second] = [await makePool(), await makePool(1)];
    process.kill(source.pid, 'SIGKILL');
    await source.ended;
    const missed = makeKey('worker');
    await world.objects.createWorker(missed, first.pool);
    await world.objects.deleteWorker(second.workers[0] ?? first.pool);
    source = await world.startSource();
    expect(world.findEvent('BuildKitWorker', missed)).toBeUndefined();
    expect([await readTotal(first.pool), await readTotal(second.pool)]).toEqual([0, 1]);
    expect(await send(ping(eventOf(mark)))).toBe(200);
    expect([await readTotal(first.pool), await readTotal(second.pool)]).toEqual([1, 0]);
  });

  it('transient: 503, which the source sends again, also while the apiserver is gone', async () => {
    const { pool } = await makePool();
    const missed = makeKey('worker');
    const event = await miss(missed, () => world.objects.createWorker(missed, pool));
    world.gate.behave('pass');
    const answers: { readonly status: number; readonly retryAfter: string | null }[] = [];
    const state = { isOver: false };
    const restart = world.stack.controlPlane.restart('kube-apiserver').finally(() => (state.isOver = true));
    while (!state.isOver) {
      const answer = await fetch(world.sink, { method: 'POST', ...uncovered(event) });
      answers.push({ status: answer.status, retryAfter: answer.headers.get('retry-after') });
      await sleep(20);
    }
    await restart;
    const transient = answers.filter(({ status }) => status !== 200);
    expect(transient.length).toBeGreaterThan(0);
    for (const answer of transient) expect(answer).toEqual({ status: 503, retryAfter: '1' });
    await expect.poll(() => send(event), soon).toBe(200);
    await expectTrue(pool);
    await world.untilWatching();
  });

  it('what the source makes of an answer: 500 loses the event, 503 is tried six times', async () => {
    const { pool } = await makePool();
    const attemptsOf = (key: Key) =>
      world.gate.received.filter(
        ({ headers }) => headers['ce-kind'] === 'BuildKitWorker' && headers['ce-name'] === key.name,
      );
    for (const [status, attempts] of [
      [500, 1],
      [503, 6],
    ] as const) {
      const [lost, next] = [makeKey('worker'), makeKey('worker')];
      world.gate.behave(status);
      await world.objects.createWorker(lost, pool);
      await expect.poll(() => attemptsOf(lost).length, soon).toBe(attempts);
      world.gate.behave('pass');
      // One at a time: with the next, that one is given up.
      await world.objects.createWorker(next, pool);
      await expect.poll(() => attemptsOf(next).length, soon).toBe(1);
      expect(attemptsOf(lost)).toHaveLength(attempts);
      expect(new Set(attemptsOf(lost).map(({ headers }) => headers['ce-id'])).size).toBe(1);
    }
  });

  it('malformed: 400; of a kind that is not ours: 202', async () => {
    const { pool, workers } = await makePool(1);
    const { headers, body } = eventOf(workers[0] ?? pool);
    const withoutId = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'ce-id'));
    expect(await send({ headers: withoutId, body })).toBe(400);
    expect(await send({ headers, body: '{' })).toBe(400);
    const foreign = { 'ce-kind': 'ConfigMap', 'ce-apiversion': 'v1' };
    expect(await send({ headers: { ...headers, ...foreign }, body })).toBe(202);
    const structured = {
      'content-type': 'application/cloudevents+json',
      authorization: headers['authorization'] ?? '',
    };
    const attributes = Object.entries(headers).filter(([name]) => name.startsWith('ce-'));
    const envelope = {
      ...Object.fromEntries(attributes.map(([name, value]) => [name.slice('ce-'.length), value])),
      data: JSON.parse(body) as unknown,
    };
    expect(await send({ headers: structured, body: JSON.stringify(envelope) })).toBe(200);
    expect(await send({ headers: { ...headers, authorization: '' }, body })).toBe(401);
  });

  it('200 events of one pool cost at most two lists, and each answer tells of the state when it was sent', async () => {
    const { pool } = await makePool(1);
    const worker = makeKey('worker');
    const event = await miss(worker, () => world.objects.createWorker(worker, pool));
    await world.takeCalls();
    const answers = await Promise.all(Array.from({ length: 200 }, () => send(withId(event))));
    expect(await readTotal(pool)).toBe(2);
    world.gate.behave('pass');
    expect(new Set(answers)).toEqual(new Set([200]));
    const calls = await world.takeCalls();
    expect(calls.filter(isRun).length).toBeLessThanOrEqual(2);
    expect(calls.filter(isStatusWrite)).toHaveLength(1);
  });

  it('two instances and no leader: the status is true whoever answers', async () => {
    const { pool, workers } = await makePool(3);
    const port = await findFreePort();
    const second = await world.launchSecond(port);
    const sinks = [world.sink, `http://127.0.0.1:${port}${new URL(world.sink).pathname}`];
    const phases = ['Idle', 'Allocated', 'Failed', 'Provisioning'] as const;
    for (let round = 0; round < 20; round++) {
      const worker = workers[round % workers.length] ?? pool;
      const event = await miss(worker, () => world.objects.setPhase(worker, phases[round % phases.length] ?? 'Idle'));
      const labelled = world.objects.labelPool(pool, { round: String(round) });
      const answers = await Promise.all(sinks.map((sink) => post(sink, withId(event))));
      await labelled;
      expect(answers.every((status) => status === 200 || status === 503)).toBe(true);
      if (answers.includes(503)) continue;
      await expectTrue(pool);
    }
    world.gate.behave('pass');
    await second.end();
  });

  it('its own write comes back: one recompute, no write, no time moves', async () => {
    const { pool, workers } = await makePool(1);
    await world.takeCalls();
    await world.objects.setPhase(workers[0] ?? pool, 'Allocated');
    await expect.poll(async () => (await world.objects.readPool(pool)).status?.workers?.allocated, soon).toBe(1);
    const written = await world.objects.readPool(pool);
    await world.waitForPool(pool);
    const calls = await world.takeCalls();
    expect(calls.filter(isStatusWrite)).toHaveLength(1);
    expect(calls.filter(isRun).length).toBeLessThanOrEqual(2);
    expect(await world.objects.readPool(pool)).toEqual(written);
  });

  it('a resync in which one pool fails writes all others, and answers 503', async () => {
    const [broken, healthy] = [await makePool(), await makePool()];
    await world.forbidStatusOf(broken.pool);
    world.gate.behave('lose');
    for (const { pool } of [broken, healthy]) await world.objects.createWorker(makeKey('worker'), pool);
    world.kill('status');
    await world.stack.restart('status');
    const event = ping(eventOf(mark));
    expect(await send(event)).toBe(503);
    expect([await readTotal(broken.pool), await readTotal(healthy.pool)]).toEqual([0, 1]);
    await world.allowStatusOf(broken.pool);
    // A function that has just looked at everything would wait before it does so again.
    world.kill('status');
    await world.stack.restart('status');
    expect(await send(event)).toBe(200);
    world.gate.behave('pass');
    expect(await readTotal(broken.pool)).toBe(1);
  });

  it('SIGTERM: what runs is finished, and no answer comes before its write', async () => {
    const { pool } = await makePool(1);
    const worker = makeKey('worker');
    const event = await miss(worker, () => world.objects.createWorker(worker, pool));
    const sent = Array.from({ length: 20 }, async () => {
      const status = await send(withId(event));
      return { status, total: await readTotal(pool) };
    });
    const restarted = world.stack.restart('status');
    for (const answer of await Promise.all(sent)) expect(answer).toEqual({ status: 200, total: 2 });
    await restarted;
    world.gate.behave('pass');
  });

  it('an event that comes while the function is away is delivered when it is back', async () => {
    const { pool } = await makePool();
    const worker = makeKey('worker');
    world.kill('status');
    await world.objects.createWorker(worker, pool);
    await world.stack.restart('status');
    await expect.poll(() => readTotal(pool), soon).toBe(1);
    const attempts = () => world.gate.received.filter(({ headers }) => headers['ce-name'] === worker.name);
    await expect.poll(() => attempts().at(-1)?.status, soon).toBe(200);
    expect(new Set(attempts().map(({ status }) => status))).toEqual(new Set([502, 200]));
  });

  it('a cold start of function and queue-proxy: who is let through when they say so is answered without an error', async () => {
    const { pool, workers } = await makePool(1);
    const event = eventOf(workers[0] ?? pool);
    for (const name of ['status', 'queue-proxy']) world.kill(name);
    const started = Promise.all([world.stack.restart('status'), world.stack.restart('queue-proxy')]);
    await expect.poll(() => isBehindQueueProxyReady(world.queuePort), { timeout: 120_000, interval: 10 }).toBe(true);
    expect(await send(withId(event))).toBe(200);
    await started;
    await expectTrue(pool);
  });
}

/** Whatever order things happen in: after quiet, the status says what is so. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPoolStatusStore } from '../../../adapters/kube/pool-status.ts';
import { beginSurvey } from '../../../adapters/kube/pool-survey.ts';
import { maxListedNamespaces } from '../../../api/limits/status.ts';
import type { PoolStatus } from '../../../api/status.ts';
import type { ObjectVersion, Touched } from '../../../core/events/parse.ts';
import { createUpdate, type Outcome } from '../../../core/events/update.ts';
import { createRecomputeCache } from '../../../core/status/recompute-cache.ts';
import { createRecompute } from '../../../functions/status/recompute.ts';
import { createResync } from '../../../functions/status/resync.ts';
import { createManualClock } from '../../core/events/clock.ts';
import {
  createApiserver,
  key,
  type Chance,
  type SimulatedApiserver,
  type SimulatedGateway,
} from './simulated-apiserver.ts';

const namespaces = ['own', 'a', 'b'];
const names = ['w0', 'w1'];

type Act =
  | { readonly does: 'create' | 'lease' | 'free' | 'delete'; readonly name: string; readonly namespace: string }
  | { readonly does: 'scale'; readonly gateway: Partial<SimulatedGateway> }
  | { readonly does: 'overwrite'; readonly with: PoolStatus };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constantFrom('create', 'lease', 'free', 'delete'),
      name: fc.constantFrom(...names),
      namespace: fc.constantFrom(...namespaces),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('scale' as const),
      gateway: fc.oneof(fc.record({ readyReplicas: fc.nat(1) }), fc.record({ hasService: fc.boolean() })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('overwrite' as const),
      with: fc.constantFrom<PoolStatus>(
        { workers: { total: 77 } },
        { workerNamespaces: [] },
        { workerNamespaces: ['a'] },
        { gateway: { readyReplicas: 9 } },
      ),
    }),
  },
);

function perform(apiserver: SimulatedApiserver, one: Act): void {
  if (one.does === 'overwrite') {
    apiserver.overwriteStatus((status) => ({ ...status, ...one.with }));
    return;
  }
  if (one.does === 'scale') {
    apiserver.changeGateway(one.gateway);
    return;
  }
  const isOne = (worker: { name: string; namespace: string }) =>
    worker.name === one.name && worker.namespace === one.namespace;
  const isThere = apiserver.history.at(-1)?.workers.some(isOne) === true;
  if (isThere === (one.does === 'create')) return;
  apiserver.changeWorkers((workers) => {
    const others = workers.filter((worker) => !isOne(worker));
    if (one.does === 'delete') return others;
    return [
      ...others,
      { name: one.name, namespace: one.namespace, phase: one.does === 'lease' ? 'Allocated' : 'Idle' },
    ];
  }, one.namespace);
}

/** Of one namespace, or of all. */
function summarizeWorkers(workers: SimulatedApiserver['history'][number]['workers'], where?: string) {
  const found = workers.filter(({ namespace }) => where === undefined || namespace === where);
  return { total: found.length, allocated: found.filter(({ phase }) => phase === 'Allocated').length };
}

const summarizeGateway = ({ readyReplicas, hasService }: SimulatedGateway) => ({
  readyReplicas,
  isReady: readyReplicas > 0 && hasService,
});

/** What a status should say at a resource version. */
function recount({ history }: SimulatedApiserver, at: number) {
  const { workers, gateway } = history[at] ?? { workers: [], gateway: { readyReplicas: 0, hasService: false } };
  const found = [...new Set(workers.map(({ namespace }) => namespace))].toSorted();
  return {
    ...summarizeWorkers(workers),
    namespaces: found.length <= maxListedNamespaces ? found : undefined,
    ...summarizeGateway(gateway),
  };
}

const summarize = (status: PoolStatus | undefined) => ({
  total: status?.workers?.total ?? 0,
  allocated: status?.workers?.allocated ?? 0,
  namespaces: status?.workerNamespaces,
  readyReplicas: status?.gateway?.readyReplicas ?? 0,
  isReady: status?.gateway?.ready ?? false,
});

/** An instance of the function. */
function startInstance({ kube }: Pick<SimulatedApiserver, 'kube'>): (touched: Touched) => Promise<Outcome> {
  const cache = createRecomputeCache();
  const store = createPoolStatusStore(kube);
  const now = () => new Date('2026-01-02T03:04:05Z');
  return createUpdate({
    recompute: createRecompute({ ...store, cache, now }),
    isCovered: cache.isCovered,
    resync: createResync({ beginSurvey: () => beginSurvey(kube), cache, now }),
    listPoolsOf: () => Promise.resolve([]),
    clock: { ...createManualClock(), nowMs: () => Infinity },
    log: { warn: () => undefined },
  });
}

interface Run {
  readonly acts: readonly Act[];
  readonly instances: number;
  readonly choices: IterableIterator<number>;
  readonly faults: readonly ('none' | 'before' | 'after')[];
  /** Asked when an event of what happened at that resource version was answered as done. */
  readonly check?: (
    apiserver: SimulatedApiserver,
    about: { readonly object: ObjectVersion; readonly at: number },
  ) => void;
  /** Whether events get lost, which a resync at the end makes good. */
  readonly isLossy?: boolean;
}

async function run(scheduler: fc.Scheduler, { acts, instances, choices, faults, check, isLossy = false }: Run) {
  const left = [...faults];
  const upTo = (most: number): number => Number(choices.next().value) % (most + 1);
  const chance: Chance = {
    upTo,
    fault: () => left.pop() ?? 'none',
    turn: (label) => scheduler.schedule(Promise.resolve(), label),
  };
  const deliveries: Promise<void>[] = [];
  const apiserver: SimulatedApiserver = createApiserver(chance, (object, at) => {
    const times = isLossy ? upTo(2) : 1 + upTo(1);
    for (let time = 0; time < times; time += 1) deliveries.push(deliver(object, at));
  });
  const updates = Array.from({ length: instances }, () => startInstance(apiserver));

  /** At least once, late, by whatever instance takes it. */
  async function deliver(object: ObjectVersion, at: number): Promise<void> {
    for (;;) {
      await chance.turn('delivered');
      const update = updates[upTo(instances - 1)];
      const outcome = await update?.({ touched: 'one', pool: key, object });
      if (outcome !== 'done') continue;
      check?.(apiserver, { object, at });
      return;
    }
  }

  const delivered = async (): Promise<void> => {
    for (let deliveredCount = -1; deliveredCount < deliveries.length;) {
      deliveredCount = deliveries.length;
      await Promise.all(deliveries);
    }
  };
  /** Some things happen at once, some in the middle of what follows from others, and some when that is over. */
  const quiet = async (): Promise<void> => {
    for (const one of acts) {
      const turns = upTo(mostTurnsBetween);
      if (turns === mostTurnsBetween) await delivered();
      else for (let turn = 0; turn < turns; turn += 1) await chance.turn('act');
      perform(apiserver, one);
    }
    await delivered();
  };
  const ping = async (): Promise<void> => {
    while ((await updates[0]?.({ touched: 'all' })) !== 'done') await chance.turn('pinged');
  };
  await scheduler.waitFor(quiet());
  if (isLossy) await scheduler.waitFor(ping());
  return apiserver;
}

/** A run has some six. */
const mostTurnsBetween = 9;

const fault = fc.constantFrom<'none' | 'before' | 'after'>('none', 'none', 'none', 'before', 'after');
const story = {
  scheduler: fc.scheduler(),
  acts: fc.array(act, { maxLength: 12 }),
  faults: fc.array(fault, { maxLength: 12 }),
  choices: fc.infiniteStream(fc.nat()),
};

const isTrue = (apiserver: SimulatedApiserver): void => {
  const latest = apiserver.history.length - 1;
  if (latest === 1) return;
  expect(summarize(apiserver.history[latest]?.pool.status)).toEqual(recount(apiserver, latest));
};

test.each([1, 2, 3])('writes a status that is true once events stop, with %i instances', async (instances) => {
  await fc.assert(
    fc.asyncProperty(fc.record(story), async ({ scheduler, ...rest }) => {
      isTrue(await run(scheduler, { ...rest, instances }));
    }),
  );
});

test('answers no event before the status shows its change, with one instance and no other writers', async () => {
  const check: Run['check'] = ({ history }, { object: { kind, namespace }, at }) => {
    const shown = summarize(history.at(-1)?.pool.status);
    const later = history.slice(at);
    if (kind === 'gateway') {
      expect(later.map(({ gateway }) => gateway.readyReplicas)).toContain(shown.readyReplicas);
    }
    if (kind !== 'worker') return;
    // Each namespace is seen at a moment of its own, and what is told of one says nothing of the others.
    const shownBy = (count: (status: ReturnType<typeof summarizeWorkers>) => number) =>
      namespaces
        .map((one) => (one === namespace ? later : history).map(({ workers }) => count(summarizeWorkers(workers, one))))
        .reduce((sums, counts) => [...new Set(sums.flatMap((sum) => counts.map((count) => sum + count)))], [0]);
    expect(shownBy(({ total }) => total)).toContain(shown.total);
    expect(shownBy(({ allocated }) => allocated)).toContain(shown.allocated);
    const isNamed = shown.namespaces?.includes(namespace) ?? true;
    if (!isNamed) expect(later.map(({ workers }) => summarizeWorkers(workers, namespace).total)).toContain(0);
  };
  const acts = story.acts.map((all) => all.filter(({ does }) => does !== 'overwrite'));
  await fc.assert(
    fc.asyncProperty(fc.record({ ...story, acts }), async ({ scheduler, ...rest }) => {
      await run(scheduler, { ...rest, instances: 1, check });
    }),
  );
});

type Change = (apiserver: SimulatedApiserver) => void;
const change = (one: Act): Change => {
  return (apiserver) => {
    perform(apiserver, one);
  };
};

test.each<[string, Change, Change]>([
  [
    'workers',
    change({ does: 'lease', name: 'w0', namespace: 'a' }),
    change({ does: 'free', name: 'w0', namespace: 'a' }),
  ],
  [
    'the gateway',
    change({ does: 'scale', gateway: { readyReplicas: 1 } }),
    change({ does: 'scale', gateway: { readyReplicas: 0 } }),
  ],
])(
  'reads %s again after its own write: another instance may have found true what it overwrote',
  async (_, there, andBack) => {
    const objects: ObjectVersion[] = [];
    const chance: Chance = { upTo: () => 0, fault: () => 'none', turn: () => Promise.resolve() };
    const apiserver = createApiserver(chance, (object) => objects.push(object));
    const writing = Promise.withResolvers<undefined>();
    const released = Promise.withResolvers<undefined>();
    let isHeld = false;
    const slow: SimulatedApiserver['kube'] = {
      ...apiserver.kube,
      call: async (call) => {
        if (isHeld && call.method === 'PATCH') {
          isHeld = false;
          writing.resolve(undefined);
          await released.promise;
        }
        return await apiserver.kube.call(call);
      },
    };
    const [one, other] = [startInstance({ ...apiserver, kube: slow }), startInstance(apiserver)];
    const sendLatest = (update: typeof one) =>
      update({ touched: 'one', pool: key, object: objects.at(-1) as ObjectVersion });
    change({ does: 'create', name: 'w0', namespace: 'a' })(apiserver);
    for (const update of [one, one, other]) await sendLatest(update);
    const before = summarize(apiserver.history.at(-1)?.pool.status);
    isHeld = true;
    there(apiserver);
    const late = sendLatest(one);
    await writing.promise;
    andBack(apiserver);
    await sendLatest(other);
    released.resolve(undefined);
    await late;
    expect(summarize(apiserver.history.at(-1)?.pool.status)).not.toEqual(before);
    await sendLatest(one);
    isTrue(apiserver);
  },
);

test('repairs by a resync what lost events left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.record(story), async ({ scheduler, ...rest }) => {
      isTrue(await run(scheduler, { ...rest, instances: 1, isLossy: true }));
    }),
  );
});

/** Whatever order things happen in: after quiet, the status says what is so. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPoolStatusStore } from '../../../adapters/kube/pool-status.ts';
import { beginSurvey } from '../../../adapters/kube/pool-survey.ts';
import { maxListedNamespaces } from '../../../api/limits.ts';
import type { PoolStatus } from '../../../api/status.ts';
import type { ObjectVersion, Touched } from '../../../core/events/parse.ts';
import { createUpdate, type Outcome } from '../../../core/events/update.ts';
import { createMemory } from '../../../core/status/memory.ts';
import { createRecompute } from '../../../functions/status/recompute.ts';
import { createResync } from '../../../functions/status/resync.ts';
import { createManualClock } from '../../core/events/clock.ts';
import { createApiserver, key, type Chance, type SimulatedApiserver } from './simulated-apiserver.ts';

const namespaces = ['own', 'a', 'b', 'c'];
const names = ['w0', 'w1', 'w2', 'w3', 'w4'];

type Act =
  | { readonly does: 'create' | 'lease' | 'free' | 'delete'; readonly name: string; readonly namespace: string }
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
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('overwrite' as const),
      with: fc.constantFrom<PoolStatus>(
        { workers: { total: 77 } },
        { workerNamespaces: [] },
        { workerNamespaces: ['a'] },
      ),
    }),
  },
);

function perform(apiserver: SimulatedApiserver, one: Act): void {
  if (one.does === 'overwrite') {
    apiserver.overwriteStatus((status) => ({ ...status, ...one.with }));
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

/** What a status should say at a resource version. */
function recount({ history }: SimulatedApiserver, at: number) {
  const workers = history[at]?.workers ?? [];
  const found = [...new Set(workers.map(({ namespace }) => namespace))].toSorted();
  return {
    total: workers.length,
    allocated: workers.filter(({ phase }) => phase === 'Allocated').length,
    namespaces: found.length <= maxListedNamespaces ? found : undefined,
  };
}

const summarize = (status: PoolStatus | undefined) => ({
  total: status?.workers?.total ?? 0,
  allocated: status?.workers?.allocated ?? 0,
  namespaces: status?.workerNamespaces,
});

/** An instance of the function. */
function startInstance({ kube }: Pick<SimulatedApiserver, 'kube'>): (touched: Touched) => Promise<Outcome> {
  const memory = createMemory();
  const store = createPoolStatusStore(kube);
  const now = () => new Date('2026-01-02T03:04:05Z');
  return createUpdate({
    recompute: createRecompute({ ...store, memory, now }),
    isCovered: memory.isCovered,
    resync: createResync({ beginSurvey: () => beginSurvey(kube), memory, now }),
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
  /** Asked when an event was answered as done. */
  readonly check?: (apiserver: SimulatedApiserver, object: ObjectVersion) => void;
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
  const apiserver: SimulatedApiserver = createApiserver(chance, (object) => {
    const times = isLossy ? upTo(2) : 1 + upTo(1);
    for (let time = 0; time < times; time += 1) deliveries.push(deliver(object));
  });
  const updates = Array.from({ length: instances }, () => startInstance(apiserver));

  /** At least once, late, by whatever instance takes it. */
  async function deliver(object: ObjectVersion): Promise<void> {
    for (;;) {
      await chance.turn('delivered');
      const update = updates[upTo(instances - 1)];
      const outcome = await update?.({ touched: 'one', pool: key, object });
      if (outcome !== 'done') continue;
      check?.(apiserver, object);
      return;
    }
  }

  const acting = acts.map(async (one) => {
    await chance.turn('act');
    perform(apiserver, one);
  });
  const quiet = async (): Promise<void> => {
    await Promise.all(acting);
    for (let seen = 0; seen < deliveries.length;) {
      seen = deliveries.length;
      await Promise.all(deliveries);
    }
  };
  const ping = async (): Promise<void> => {
    while ((await updates[0]?.({ touched: 'all' })) !== 'done') await chance.turn('pinged');
  };
  await scheduler.waitFor(quiet());
  if (isLossy) await scheduler.waitFor(ping());
  return apiserver;
}

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

test.each([1, 2, 3])('after quiet the status says what is so, with %i instances', async (instances) => {
  await fc.assert(
    fc.asyncProperty(fc.record(story), async ({ scheduler, ...rest }) => {
      isTrue(await run(scheduler, { ...rest, instances }));
    }),
  );
});

test('nobody is answered before the status shows what was told, with one instance and no strangers', async () => {
  const check = (apiserver: SimulatedApiserver, { version = 0 }: ObjectVersion): void => {
    const { history } = apiserver;
    const shown = summarize(history.at(-1)?.pool.status);
    const later = Array.from({ length: history.length - version }, (_, index) => recount(apiserver, version + index));
    expect(later).toContainEqual(shown);
  };
  const acts = story.acts.map((all) => all.filter(({ does }) => does !== 'overwrite'));
  await fc.assert(
    fc.asyncProperty(fc.record({ ...story, acts }), async ({ scheduler, ...rest }) => {
      await run(scheduler, { ...rest, instances: 1, check });
    }),
  );
});

test('an instance looks again after its own write: another one may have found true by then what it overwrote', async () => {
  const told: ObjectVersion[] = [];
  const chance: Chance = { upTo: () => 0, fault: () => 'none', turn: () => Promise.resolve() };
  const apiserver = createApiserver(chance, (object) => told.push(object));
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
  const tell = (update: typeof one) => update({ touched: 'one', pool: key, object: told.at(-1) as ObjectVersion });
  const change = (does: 'create' | 'lease' | 'free') => {
    perform(apiserver, { does, name: 'w0', namespace: 'a' });
  };
  change('create');
  for (const update of [one, one, other]) await tell(update);
  isHeld = true;
  change('lease');
  const late = tell(one);
  await writing.promise;
  change('free');
  await tell(other);
  released.resolve(undefined);
  await late;
  expect(summarize(apiserver.history.at(-1)?.pool.status).allocated).toBe(1);
  await tell(one);
  isTrue(apiserver);
});

test('a resync makes good what lost events left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.record(story), async ({ scheduler, ...rest }) => {
      isTrue(await run(scheduler, { ...rest, instances: 1, isLossy: true }));
    }),
  );
});

/**
 * All that can happen to the leases of one pool, in any order: calls of gateways to several instances of `allocation`,
 * each step of which is a transition of its own, kills, `lifecycle`, workers that start, fail and are deleted, and time.
 *
 * The decisions are those of core/; only who carries them out is of this file. An explorer walks it.
 */
import type { Pool } from '../../../api/v1beta1/pool.ts';
import type { Worker } from '../../../api/v1beta1/worker.ts';
import { isHeldBy } from '../../../core/allocation/worker.ts';
import { holderOf, leaseIdOf, leaseName, type Claim } from '../../../core/allocation/lease.ts';
import { keep } from '../../../core/allocation/acquire.ts';
import { next, type Observed, type Step, type Write } from '../../../core/allocation/next.ts';
import { planRenewal } from '../../../core/allocation/renew.ts';
import { isSameJson } from '../../../core/json.ts';
import type { Lease } from '../../../core/lifecycle/cluster-objects.ts';
import { planScale, type ScalePlan } from '../../../core/lifecycle/scale.ts';

export interface Scenario {
  readonly max: number;
  readonly min?: number;
  /** A connection for each: which certificate, of which trust domain. */
  readonly asks: readonly { readonly lease: string; readonly domain: string }[];
  /** Workers that stand at the start, with their domains. */
  readonly idle: readonly (string | undefined)[];
  readonly instances: number;
  readonly kills: number;
  readonly ticks: number;
  /** Runs of `lifecycle`. */
  readonly runs: number;
  /** Workers that fail, and that somebody deletes. */
  readonly failures: number;
  readonly deletions: number;
}

type Call = { readonly ask: number; readonly observed: Observed; readonly tick: number } | undefined;

/** A connection that a gateway holds, and when it last renewed its lease. */
interface Connection {
  readonly worker: string;
  readonly uid: string;
  readonly renewed: number;
}

export interface World {
  readonly tick: number;
  readonly leases: ReadonlyMap<string, Lease>;
  readonly workers: ReadonlyMap<string, Worker>;
  /** How often each name was made: UIDs differ. */
  readonly made: ReadonlyMap<string, number>;
  readonly calls: readonly Call[];
  readonly lifecycle:
    undefined | { readonly workers: readonly Worker[] } | { readonly plan: ScalePlan; readonly at: number };
  /** By ask; `todo` before its call, `over` after its end. */
  readonly connections: readonly ('todo' | 'asking' | 'over' | Connection)[];
  /** Domains that builds of a worker were of, by UID. */
  readonly served: ReadonlyMap<string, string>;
  readonly left: {
    readonly kills: number;
    readonly runs: number;
    readonly failures: number;
    readonly deletions: number;
  };
}

const namespace = 'pools';
const startMs = Date.parse('2026-01-01T00:00:00Z');
/** Half of what a lease lives without a renewal, and longer than a gateway waits for an answer. */
const tickMs = 60_000;
const time = (tick: number): Date => new Date(startMs + tick * tickMs);

export const makePool = ({ max, min = 0 }: Pick<Scenario, 'max' | 'min'>): Pool => ({
  metadata: { namespace, name: 'p', uid: 'pool', resourceVersion: '1', creationTimestamp: '2025-12-31T00:00:00Z' },
  spec: { workers: { scaling: { max, min, idleTimeout: '1s' } } },
});

const makeReady = (worker: Worker): Worker => ({
  ...worker,
  status: { ...worker.status, phase: 'Idle', podIP: '10.0.0.1' },
});

export function makeWorld(scenario: Scenario): World {
  const workers = scenario.idle.map((domain, index): [string, Worker] => [
    `p-${index}`,
    makeReady({
      metadata: {
        namespace,
        name: `p-${index}`,
        uid: `p-${index}#0`,
        resourceVersion: '0',
        creationTimestamp: '2026-01-01T00:00:00Z',
        labels: {
          'app.kubernetes.io/managed-by': 'buildkit-controller',
          ...(domain === undefined ? {} : { 'buildkit.smrt-devops.net/domain': domain }),
        },
      },
      spec: { poolRef: { name: 'p', namespace } },
    }),
  ]);
  const { kills, runs, failures, deletions } = scenario;
  return {
    tick: 0,
    leases: new Map(),
    workers: new Map(workers),
    made: new Map(workers.map(([name]) => [name, 1])),
    calls: Array.from({ length: scenario.instances }, () => undefined),
    lifecycle: undefined,
    connections: scenario.asks.map(() => 'todo'),
    served: new Map(
      scenario.idle.flatMap((domain, index) => (domain === undefined ? [] : [[`p-${index}#0`, domain] as const])),
    ),
    left: { kills, runs, failures, deletions },
  };
}

/** What a name must be for the apiserver to store it, and how its version changes. */
const bump = <T extends { readonly metadata: { readonly resourceVersion: string } }>(object: T): T => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(Number(object.metadata.resourceVersion) + 1) },
});

const put = <K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> => new Map(map).set(key, value);
function without<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}

const isSame = (
  left: { metadata: { uid: string; resourceVersion: string } } | undefined,
  right: { metadata: { uid: string; resourceVersion: string } },
) => left?.metadata.uid === right.metadata.uid && left.metadata.resourceVersion === right.metadata.resourceVersion;

export interface Move {
  readonly name: string;
  readonly world: World;
}

/** What a walk can leave out, to show that it finds what then breaks. */
export interface Rules {
  /** A gateway that did not renew for 110 s ends the connections itself. */
  readonly isFenced?: boolean;
}

export class Model {
  readonly scenario: Scenario;
  readonly rules: Rules;
  readonly pool: Pool;

  constructor(scenario: Scenario, rules: Rules) {
    this.scenario = scenario;
    this.rules = rules;
    this.pool = makePool(scenario);
  }

  moves(world: World): Move[] {
    return [
      ...this.#begin(world),
      ...world.calls.flatMap((call, index) => (call === undefined ? [] : this.#step(world, call, index))),
      ...this.#connections(world),
      ...this.#lifecycle(world),
      ...this.#workers(world),
      ...this.#time(world),
    ];
  }

  claim(ask: number): Claim {
    const { lease = '', domain = '' } = this.scenario.asks[ask] ?? {};
    return { lease, token: `sha256:${lease}`, principal: domain, domain, issuedAtMs: startMs, gateway: `g${ask % 2}` };
  }

  /** A gateway asks the first instance that is free: they are alike. */
  #begin(world: World): Move[] {
    const free = world.calls.indexOf(undefined);
    if (free < 0) return [];
    return world.connections.flatMap((connection, ask) =>
      connection === 'todo'
        ? [
            {
              name: `ask ${ask}`,
              world: {
                ...world,
                calls: world.calls.with(free, { ask, observed: {}, tick: world.tick }),
                connections: world.connections.with(ask, 'asking'),
              },
            },
          ]
        : [],
    );
  }

  #step(world: World, call: NonNullable<Call>, index: number): Move[] {
    const task = { pool: this.pool, claim: this.claim(call.ask), avoid: new Set<string>() };
    const step = next(task, call.observed, time(world.tick));
    const moves = [{ name: `${index} ${step.do}`, world: this.#take(world, call, { index, step }) }];
    if (world.left.kills > 0) {
      moves.push({
        name: `${index} killed`,
        world: {
          ...world,
          calls: world.calls.with(index, undefined),
          connections: world.connections.with(call.ask, 'todo'),
          left: { ...world.left, kills: world.left.kills - 1 },
        },
      });
    }
    return moves;
  }

  #take(world: World, call: NonNullable<Call>, { index, step }: { index: number; step: Step }): World {
    const set = (observed: Observed, changed: World = world): World => ({
      ...changed,
      calls: changed.calls.with(index, { ...call, observed }),
    });
    const { observed, ask } = call;
    const lease = world.leases.get(leaseName('p', this.claim(ask).lease));
    switch (step.do) {
      case 'read lease':
        return set({ ...observed, lease: lease ?? 'none' });
      case 'read holder':
        return set({ ...observed, holder: world.workers.get(step.holder.name) ?? 'none' });
      case 'confirm lease': {
        const isKept =
          lease?.metadata.uid === step.lease.metadata.uid && isSameJson(holderOf(lease), holderOf(step.lease));
        return set(isKept ? { ...observed, lease, isConfirmed: true } : {});
      }
      case 'read lists':
        return set({
          ...observed,
          lists: { workers: [...world.workers.values()], leases: [...world.leases.values()] },
        });
      case 'grant':
        return this.#grant(world, call, { index, worker: step.worker });
      case 'wait':
      case 'taken':
      case 'refuse':
        return {
          ...world,
          calls: world.calls.with(index, undefined),
          connections: world.connections.with(ask, 'todo'),
        };
      default: {
        const { changed, written } = this.#write(world, step);
        return set(keep(step, observed, written), changed);
      }
    }
  }

  /** An answer that comes too late reaches nobody: the gateway has given the call up. Nor does it reach what is gone. */
  #grant(world: World, call: NonNullable<Call>, { index, worker }: { index: number; worker: Worker }): World {
    const calls = world.calls.with(index, undefined);
    const found = world.workers.get(worker.metadata.name);
    const isReached = found?.metadata.uid === worker.metadata.uid && found.status?.phase !== 'Failed';
    if (call.tick !== world.tick || !isReached)
      return { ...world, calls, connections: world.connections.with(call.ask, 'todo') };
    const { name, uid } = worker.metadata;
    return {
      ...world,
      calls,
      connections: world.connections.with(call.ask, { worker: name, uid, renewed: world.tick }),
      served: world.served.has(uid) ? world.served : put(world.served, uid, this.claim(call.ask).domain),
    };
  }

  #write(world: World, step: Write): { changed: World; written: Lease | Worker | 'stale' } {
    const stale = { changed: world, written: 'stale' as const };
    switch (step.do) {
      case 'create lease': {
        const { name } = step.lease.metadata;
        if (world.leases.has(name)) return stale;
        const count = world.made.get(name) ?? 0;
        const lease = {
          ...step.lease,
          metadata: { ...step.lease.metadata, uid: `${name}#${count}`, resourceVersion: '0' },
        } as Lease;
        return {
          changed: { ...world, leases: put(world.leases, name, lease), made: put(world.made, name, count + 1) },
          written: lease,
        };
      }
      case 'write lease': {
        const { name } = step.lease.metadata;
        if (!isSame(world.leases.get(name), step.lease)) return stale;
        const lease = bump(step.lease);
        return { changed: { ...world, leases: put(world.leases, name, lease) }, written: lease };
      }
      case 'create worker': {
        const { name } = step.worker.metadata;
        if (world.workers.has(name)) return stale;
        const { world: changed, worker } = createWorker(world, step.worker);
        return { changed, written: worker };
      }
      case 'bind worker': {
        const { name, labels } = step.worker.metadata;
        if (!isSame(world.workers.get(name), step.worker)) return stale;
        const worker = bump({
          ...step.worker,
          metadata: { ...step.worker.metadata, labels: { ...labels, ...step.binding.labels } },
          spec: { ...step.worker.spec, lease: step.binding.lease },
        });
        return { changed: { ...world, workers: put(world.workers, name, worker) }, written: worker };
      }
    }
  }

  #deleteLease(world: World, lease: Lease): { world: World; isStale: boolean } {
    const { name } = lease.metadata;
    if (!isSame(world.leases.get(name), lease)) return { world, isStale: true };
    return { world: { ...world, leases: without(world.leases, name) }, isStale: false };
  }

  /** A gateway renews or closes each of its connections. */
  #connections(world: World): Move[] {
    return world.connections.flatMap((connection, ask) => {
      if (typeof connection === 'string') return [];
      const close = { name: `close ${ask}`, world: { ...world, connections: world.connections.with(ask, 'over') } };
      return connection.renewed === world.tick
        ? [close]
        : [close, { name: `renew ${ask}`, world: this.#renew(world, ask, connection) }];
    });
  }

  #renew(world: World, ask: number, connection: Connection): World {
    const name = leaseName('p', this.claim(ask).lease);
    const renewal = planRenewal(world.leases.get(name), this.pool, true, time(world.tick));
    if (renewal.do === 'end') return { ...world, connections: world.connections.with(ask, 'over') };
    const leases = renewal.do === 'write' ? put(world.leases, name, bump(renewal.lease)) : world.leases;
    return { ...world, leases, connections: world.connections.with(ask, { ...connection, renewed: world.tick }) };
  }

  #lifecycle(world: World): Move[] {
    const { lifecycle, left } = world;
    if (lifecycle === undefined) {
      return left.runs === 0
        ? []
        : [
            {
              name: 'lifecycle lists workers',
              world: {
                ...world,
                lifecycle: { workers: [...world.workers.values()] },
                left: { ...left, runs: left.runs - 1 },
              },
            },
          ];
    }
    if ('workers' in lifecycle) return [{ name: 'lifecycle plans', world: this.#plan(world, lifecycle.workers) }];
    return [{ name: 'lifecycle applies', world: this.#apply(world, lifecycle) }];
  }

  #plan(world: World, workers: readonly Worker[]): World {
    const observed = {
      key: { namespace, name: 'p' },
      pool: this.pool,
      workers,
      labels: new Map(),
      pods: [],
      leases: [...world.leases.values()],
    };
    const plan = planScale(observed, time(world.tick), () => ({ previous: undefined, next: undefined }));
    return { ...world, lifecycle: { plan, at: 0 } };
  }

  /** One write; the run ends at the first that is stale. */
  #apply(world: World, { plan, at }: { readonly plan: ScalePlan; readonly at: number }): World {
    const writes = [
      ...plan.leasesToDelete.map((lease) => (now: World) => this.#deleteLease(now, lease)),
      ...plan.release.map((worker) => (now: World) => release(now, worker)),
      ...plan.create.map(
        (worker) => (now: World) =>
          now.workers.has(worker.metadata.name)
            ? { world: now, isStale: true }
            : { world: createWorker(now, worker).world, isStale: false },
      ),
      ...plan.delete.map((worker) => (now: World) => deleteWorker(now, worker)),
    ];
    const write = writes[at];
    if (write === undefined) return { ...world, lifecycle: undefined };
    const { world: changed, isStale } = write(world);
    return { ...changed, lifecycle: isStale || at + 1 === writes.length ? undefined : { plan, at: at + 1 } };
  }

  #workers(world: World): Move[] {
    return [...world.workers].flatMap(([name, worker]) => {
      const change = (next: Worker, more: Partial<World> = {}): World => ({
        ...world,
        workers: put(world.workers, name, bump(next)),
        ...more,
      });
      const { left } = world;
      const { deletionTimestamp } = worker.metadata;
      if (deletionTimestamp !== undefined) {
        return [{ name: `${name} is gone`, world: cut({ ...world, workers: without(world.workers, name) }, worker) }];
      }
      const moves: Move[] = [];
      if (worker.status?.phase === undefined)
        moves.push({ name: `${name} is ready`, world: change(makeReady(worker)) });
      if (left.failures > 0 && worker.status?.phase !== 'Failed') {
        const failed = { ...worker, status: { phase: 'Failed' as const } };
        moves.push({
          name: `${name} fails`,
          world: cut(change(failed, { left: { ...left, failures: left.failures - 1 } }), worker),
        });
      }
      if (left.deletions > 0) {
        const deleted = { ...worker, metadata: { ...worker.metadata, deletionTimestamp: 'now' } };
        moves.push({
          name: `${name} is deleted`,
          world: change(deleted, { left: { ...left, deletions: left.deletions - 1 } }),
        });
      }
      return moves;
    });
  }

  /** Whoever did not renew in time has ended its connections by itself. */
  #time(world: World): Move[] {
    if (world.tick >= this.scenario.ticks) return [];
    const passed = pass(world);
    const isFenced = this.rules.isFenced ?? true;
    return [{ name: 'time passes', world: isFenced ? passed : { ...passed, connections: world.connections } }];
  }

  /** What everybody agreed to is broken: a sentence. */
  findFault(world: World): string | undefined {
    const open = world.connections.flatMap((connection, ask) =>
      typeof connection === 'string' ? [] : [{ ...connection, ...this.claim(ask) }],
    );
    for (const [index, one] of open.entries()) {
      for (const other of open.slice(index + 1)) {
        if (one.uid === other.uid && one.lease !== other.lease) return `worker ${one.worker} serves two leases`;
        if (one.uid !== other.uid && one.lease === other.lease) return `lease ${one.lease} has two workers`;
      }
      if (world.served.get(one.uid) !== one.domain) return `worker ${one.worker} serves two trust domains`;
    }
    const live = [...world.workers.values()].filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (live.length > this.scenario.max) return `${live.length} workers, of ${this.scenario.max}`;
    return undefined;
  }

  /** Everybody leaves, time passes, `lifecycle` runs: nothing may be left but what `min` asks for. */
  findLeftover(world: World): string | undefined {
    let now: World = {
      ...world,
      calls: world.calls.map(() => undefined),
      connections: world.connections.map(() => 'over'),
      lifecycle: undefined,
    };
    const { min = 0 } = this.scenario;
    const isClean = () => now.leases.size === 0 && now.workers.size === min;
    for (let round = 0; round < 4 && !isClean(); round += 1) {
      now = pass(pass(now));
      for (let at = 0; at < 3 && !isClean(); at += 1) now = this.#runOnce(now);
    }
    const [lease] = now.leases.keys();
    if (lease !== undefined) return `lease ${lease} is left`;
    return now.workers.size === min ? undefined : `${now.workers.size} workers are left, of ${min}`;
  }

  #runOnce(world: World): World {
    let now = this.#plan(world, [...world.workers.values()]);
    while (now.lifecycle !== undefined && 'plan' in now.lifecycle) now = this.#apply(now, now.lifecycle);
    for (const [name, worker] of now.workers) {
      if (worker.metadata.deletionTimestamp !== undefined) now = { ...now, workers: without(now.workers, name) };
    }
    return now;
  }

  describeObjects({ tick, leases, workers }: World): string {
    return [tick, ...[...leases.values()].map(describeLease), ...[...workers.values()].map(describeWorker)]
      .toSorted()
      .join();
  }

  /** Two worlds with the same text go the same ways. */
  describe(world: World): string {
    const { calls, lifecycle, connections, left } = world;
    return JSON.stringify([
      this.describeObjects(world),
      calls.map((call) => (call === undefined ? 0 : [call.ask, call.tick, describeObserved(call.observed)])).toSorted(),
      describeRun(lifecycle),
      connections,
      Object.values(left),
      [...world.served],
    ]);
  }
}

const pass = (world: World): World => ({
  ...world,
  tick: world.tick + 1,
  // A gateway that did not renew for 110 s ends the connections itself.
  connections: world.connections.map((one) =>
    typeof one === 'string' || world.tick + 1 - one.renewed < 2 ? one : 'over',
  ),
});

/** A daemon that is gone ends its connections. */
const cut = (world: World, { metadata: { uid } }: Worker): World => ({
  ...world,
  connections: world.connections.map((one) => (typeof one !== 'string' && one.uid === uid ? 'over' : one)),
});

function createWorker(
  world: World,
  worker: { readonly metadata: { readonly name: string }; readonly spec: Worker['spec'] },
) {
  const { name } = worker.metadata;
  const count = world.made.get(name) ?? 0;
  const made = {
    ...worker,
    metadata: {
      ...worker.metadata,
      uid: `${name}#${count}`,
      resourceVersion: '0',
      creationTimestamp: time(world.tick).toISOString(),
    },
  } as Worker;
  return {
    world: { ...world, workers: put(world.workers, name, made), made: put(world.made, name, count + 1) },
    worker: made,
  };
}

function release(world: World, worker: Worker): { world: World; isStale: boolean } {
  const { name, labels = {} } = worker.metadata;
  if (!isSame(world.workers.get(name), worker)) return { world, isStale: true };
  const kept = Object.fromEntries(Object.entries(labels).filter(([key]) => !/\/(lease|lease-uid)$/.test(key)));
  const { poolRef } = worker.spec;
  const released = bump({ ...worker, metadata: { ...worker.metadata, labels: kept }, spec: { poolRef } });
  return { world: { ...world, workers: put(world.workers, name, released) }, isStale: false };
}

function deleteWorker(world: World, worker: Worker): { world: World; isStale: boolean } {
  const { name } = worker.metadata;
  if (!isSame(world.workers.get(name), worker)) return { world, isStale: true };
  const deleted = bump({ ...worker, metadata: { ...worker.metadata, deletionTimestamp: 'now' } });
  return { world: { ...world, workers: put(world.workers, name, deleted) }, isStale: false };
}

/** Objects never change: each is described once. */
function once<T extends object>(describe: (object: T) => string): (object: T) => string {
  const known = new WeakMap<T, string>();
  return (object) => {
    const text = known.get(object) ?? describe(object);
    known.set(object, text);
    return text;
  };
}

const describeLease = once(({ metadata, spec }: Lease): string =>
  JSON.stringify([metadata.uid, metadata.resourceVersion, metadata.annotations, spec]),
);

const describeWorker = once(({ metadata, spec, status }: Worker): string =>
  JSON.stringify([metadata, spec.lease, status]),
);

const describeObserved = once(({ lease, holder, lists, isConfirmed }: Observed): string =>
  JSON.stringify([
    typeof lease === 'object' ? describeLease(lease) : lease,
    typeof holder === 'object' ? describeWorker(holder) : holder,
    lists && [lists.workers.map(describeWorker), lists.leases.map(describeLease)],
    isConfirmed,
  ]),
);

function describeRun(run: World['lifecycle']): unknown {
  if (run === undefined) return 0;
  if ('workers' in run) return run.workers.map(describeWorker);
  const { plan, at } = run;
  return [
    at,
    plan.leasesToDelete.map(describeLease),
    plan.release.map(describeWorker),
    plan.create.map(({ metadata }) => metadata.name),
    plan.delete.map(describeWorker),
  ];
}

/** Whether a lease and its worker name each other, for who counts. */
export const countHeld = (world: World): number =>
  [...world.leases.values()].filter((lease) => {
    const worker = world.workers.get(holderOf(lease)?.name ?? '');
    return leaseIdOf('p', lease) !== undefined && worker !== undefined && isHeldBy(worker, lease);
  }).length;

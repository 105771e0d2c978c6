/** From a certificate to a worker that answers: by the routes of the pool, else by `allocation`, until there is one. */
import type { TLSSocket } from 'node:tls';
import { leasePollMs, workerUnreachableMs } from '../api/limits/gateway.ts';
import type { LeasedWorker } from '../api/http/leases.ts';
import type { Held } from '../core/gateway/fence.ts';
import type { Refusal } from '../core/gateway/refusal.ts';
import type { Route } from '../core/gateway/route.ts';
import { err, ok, type Result } from '../core/result.ts';

export type LeaseAnswer =
  | ({ readonly kind: 'granted' } & Route)
  /** A worker is being made; the message is for who waits. */
  | { readonly kind: 'pending'; readonly message: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface FindWorkerPorts {
  /** By the routes that are known. */
  readonly findRoute: () => Route | undefined;
  /** Rejects where `allocation` can't say now. */
  readonly askForLease: () => Promise<LeaseAnswer>;
  /** Where the leases of a certificate are counted, each of its connections asks when the one before holds its lease. */
  readonly takeTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** The lease is this connection's from now on, until it ends or has another one. */
  readonly hold: (held: Held) => void;
  /** Whether the lease has this worker still, by all that is known. */
  readonly isHeld: (route: Route) => boolean;
  readonly connect: (worker: LeasedWorker) => Promise<Result<TLSSocket, string>>;
  /** Resolves after this time, when the routes change, or when the client is gone. */
  readonly pause: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly log: { readonly warn: (fields: object, message: string) => void };
}

export interface Reached extends Route {
  readonly socket: TLSSocket;
}

/** Undefined where the client is gone. */
export async function findWorker(ports: FindWorkerPorts): Promise<Result<Reached, Refusal> | undefined> {
  let unreachable: Unreachable | undefined;
  while (isWanted(ports)) {
    const answer = await findNext(ports, unreachable?.worker);
    if (answer?.kind === 'refused') return err(answer.refusal);
    if (answer?.kind === 'granted' && isWanted(ports)) {
      const reached = await reach(ports, answer);
      if (reached.ok) return reached;
      unreachable = addFailure(unreachable, answer.worker, ports.now());
      if (ports.now() - unreachable.sinceMs >= workerUnreachableMs) return err(describeUnreachable(answer.worker));
    }
    await ports.pause(leasePollMs);
  }
  return undefined;
}

const isWanted = ({ signal }: Pick<FindWorkerPorts, 'signal'>): boolean => !signal.aborted;

async function reach(ports: FindWorkerPorts, { lease, worker }: Route): Promise<Result<Reached, string>> {
  const connected = checkHeld(ports, { lease, worker }, await ports.connect(worker));
  if (connected.ok) return ok({ lease, worker, socket: connected.value });
  if (isWanted(ports)) {
    ports.log.warn({ lease, worker: worker.name, error: connected.error }, 'worker not reached, will try again');
  }
  return connected;
}

/** Connecting took its time. */
function checkHeld(
  { isHeld }: FindWorkerPorts,
  route: Route,
  connected: Result<TLSSocket, string>,
): Result<TLSSocket, string> {
  if (!connected.ok || isHeld(route)) return connected;
  connected.value.destroy();
  return err('the lease has it no more');
}

interface Unreachable {
  readonly worker: LeasedWorker;
  readonly sinceMs: number;
}

const addFailure = (before: Unreachable | undefined, worker: LeasedWorker, nowMs: number): Unreachable => ({
  worker,
  sinceMs: before?.worker.identity === worker.identity ? before.sinceMs : nowMs,
});

/** Undefined where nobody can say now. A route to a worker that was not reached may be old: then `allocation` is asked. */
async function findNext(
  ports: FindWorkerPorts,
  unreachable: LeasedWorker | undefined,
): Promise<LeaseAnswer | undefined> {
  const route = ports.findRoute();
  const isOld = route?.worker.identity === unreachable?.identity && route?.worker.address === unreachable?.address;
  if (route !== undefined && !isOld) {
    ports.hold(route);
    return { kind: 'granted', ...route };
  }
  try {
    return await ports.takeTurn(() => ask(ports));
  } catch (error) {
    if (isWanted(ports)) ports.log.warn({ error: (error as Error).message }, 'lease not asked for, will try again');
    return undefined;
  }
}

async function ask(ports: FindWorkerPorts): Promise<LeaseAnswer | undefined> {
  if (!isWanted(ports)) return undefined;
  const askedAtMs = ports.now();
  const answer = await ports.askForLease();
  if (answer.kind === 'granted' && isWanted(ports)) ports.hold({ ...answer, askedAtMs });
  return answer;
}

const describeUnreachable = ({ namespace, name }: LeasedWorker): Refusal => ({
  reason: 'worker_unreachable',
  message: `BuildKitWorker "${namespace}/${name}" holds the lease and is not reached`,
});

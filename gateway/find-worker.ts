/** From a certificate to a worker that answers: by the routes of the pool, else by `allocation`, until there is one. */
import type { TLSSocket } from 'node:tls';
import { leasePollMs, workerUnreachableMs } from '../api/limits/gateway.ts';
import type { LeasedWorker } from '../api/http/leases.ts';
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
  /** The lease is this connection's from now on, until it ends or has another one. */
  readonly hold: (lease: string) => void;
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
  ports.hold(lease);
  const connected = await ports.connect(worker);
  if (connected.ok) return ok({ lease, worker, socket: connected.value });
  if (isWanted(ports)) {
    ports.log.warn({ lease, worker: worker.name, error: connected.error }, 'worker not reached, will try again');
  }
  return connected;
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
  { findRoute, askForLease, log }: FindWorkerPorts,
  unreachable: LeasedWorker | undefined,
): Promise<LeaseAnswer | undefined> {
  const route = findRoute();
  const isOld = route?.worker.identity === unreachable?.identity && route?.worker.address === unreachable?.address;
  if (route !== undefined && !isOld) return { kind: 'granted', ...route };
  try {
    return await askForLease();
  } catch (error) {
    log.warn({ error: (error as Error).message }, 'lease not asked for, will try again');
    return undefined;
  }
}

const describeUnreachable = ({ namespace, name }: LeasedWorker): Refusal => ({
  reason: 'worker_unreachable',
  message: `BuildKitWorker "${namespace}/${name}" holds the lease and is not reached`,
});

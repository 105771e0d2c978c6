/** A gateway: who is let in, where each goes, and when each ends. Its ports are the world. */
import { setInterval as repeat } from 'node:timers';
import type { TLSSocket } from 'node:tls';
import type { LeaseRequest } from '../api/http/leases.ts';
import type { Routes } from '../api/routes.ts';
import { deadlineCheckMs } from '../api/limits/gateway.ts';
import { checkCapacity, checkClient, type ShownCertificate, type WatchedPool } from '../core/gateway/client.ts';
import { notRenewed, workerChanged } from '../core/gateway/fence.ts';
import type { Counters } from '../core/gateway/counters.ts';
import type { Source } from '../core/gateway/proxy-protocol.ts';
import type { Refusal } from '../core/gateway/refusal.ts';
import { findEnded, findRoute, readRoutesOf, toLeaseId } from '../core/gateway/route.ts';
import { refuseArrived, serveArrived, type Connection, type ConnectionRecord, type Ended } from './connection.ts';
import type { LeaseAnswer } from './find-worker.ts';
import { toWorkerContext } from './keys.ts';
import { createLeases, createTurns, type LeasePorts } from './leases.ts';
import { listenForClients, type EarlyEnd, type ListenOptions, type Listening } from './listen.ts';
import { createSignal } from './signal.ts';
import { connectWorker } from './worker.ts';

/** What a client showed, and what names it. */
export interface Shown extends ShownCertificate {
  readonly certificate: Uint8Array;
  /** DER of the CA that the client showed with it. */
  readonly issuer: Uint8Array | undefined;
  /** SHA-256 of it, hexadecimal. */
  readonly hash: string;
  readonly serial: string;
}

export interface GatewayPorts extends Pick<LeasePorts, 'renew' | 'now'> {
  readonly readShown: (socket: TLSSocket) => Shown | undefined;
  /** Rejects where nobody can say now. */
  readonly askForLease: (request: LeaseRequest, signal: AbortSignal) => Promise<LeaseAnswer>;
  readonly counters: Counters;
  /** A connection was opened or ended. */
  readonly onCounted: () => void;
  readonly metrics: {
    readonly served: (waitedMs: number) => void;
    readonly ended: (record: ConnectionRecord) => void;
    readonly endedEarly: (why: EarlyEnd) => void;
  };
  readonly log: {
    readonly info: (fields: object, message: string) => void;
    readonly warn: (fields: object, message: string) => void;
  };
}

export interface GatewayOptions extends Pick<ListenOptions, 'port' | 'hostname' | 'proxies' | 'keys'> {
  readonly clusterFqdn: string;
  readonly maxConnections: number;
}

export interface Gateway {
  readonly setPool: (pool: WatchedPool | undefined) => void;
  readonly setRoutes: (routes: Routes | undefined) => void;
  readonly listen: () => Promise<Listening>;
  readonly openConnections: () => number;
  /** Resolves when no connection is left. */
  readonly drained: () => Promise<void>;
  readonly close: () => void;
}

export function createGateway(options: GatewayOptions, ports: GatewayPorts): Gateway {
  const { clusterFqdn, keys } = options;
  const { counters, now, log } = ports;
  const connections = new Set<Connection>();
  const routesChanged = createSignal();
  const emptied = createSignal();
  let pool: WatchedPool | undefined;
  let routes: Routes | undefined;
  let workerContext = toWorkerContext(keys.current());
  keys.follow((next) => (workerContext = toWorkerContext(next)));

  const takeTurn = createTurns();
  const leases = createLeases({
    renew: ports.renew,
    onEnded: (lease, reason) => {
      endLeases(new Map([[lease, reason]]));
    },
    onMoved: (lease, identity) => {
      endServed(lease, workerChanged, identity);
    },
    now,
    log,
  });
  const deadlines = repeat(() => {
    const nowMs = now();
    for (const connection of connections) connection.checkDeadlines(nowMs);
    for (const lease of leases.listFenced()) endServed(lease, notRenewed);
  }, deadlineCheckMs);

  function endLeases(ended: ReadonlyMap<string, string>): void {
    for (const connection of connections) {
      const message = ended.get(connection.lease() ?? '');
      if (message !== undefined) connection.end({ reason: 'lease_ended', message });
    }
  }

  /** Who still waits goes on waiting: it asks again. */
  function endServed(lease: string, refusal: Refusal, except?: string): void {
    for (const connection of connections) {
      const worker = connection.lease() === lease ? connection.worker() : undefined;
      if (worker !== undefined && worker.identity !== except) connection.end(refusal);
    }
  }

  function checkAll(): void {
    if (pool === undefined) {
      for (const connection of connections) connection.end(poolGone);
      return;
    }
    for (const connection of connections) connection.check(pool);
    const own = readRoutesOf(pool.metadata.uid, routes);
    endLeases(findEnded(own));
    routesChanged.raise();
  }

  function takeClient(socket: TLSSocket, source: Source): void {
    const shown = ports.readShown(socket);
    const arrived = { socket, source, serial: shown?.serial };
    const decided = decide(shown);
    if (decided.ok && shown !== undefined) serve(arrived, decided.value, shown);
    else if (!decided.ok) {
      refuseArrived(arrived, decided.error, { now, onEnd: logEnd });
    }
  }

  function decide(shown: Shown | undefined): ReturnType<typeof checkClient> {
    if (pool === undefined) return { ok: false, error: poolGone };
    const checked = checkClient(shown, { clusterFqdn, pool });
    if (!checked.ok) return checked;
    const { principal } = checked.value;
    const ofPrincipal = [...connections].filter(({ client }) => client.principal === principal).length;
    const error = checkCapacity({ all: connections.size, ofPrincipal }, options.maxConnections, pool);
    return error === undefined ? checked : { ok: false, error };
  }

  function serve(arrived: Parameters<typeof serveArrived>[0], client: Connection['client'], shown: Shown): void {
    const leaseId = toLeaseId(shown.hash);
    let held: string | undefined;
    const { certificate, issuer } = shown;
    const release = (): void => {
      if (held !== undefined) leases.close(held);
      held = undefined;
    };
    const gone = new AbortController();
    const connection = serveArrived(arrived, client, {
      now,
      log,
      pause: (ms) => routesChanged.wait(ms, gone.signal),
      findRoute: () =>
        findRoute(readRoutesOf(pool?.metadata.uid ?? '', routes), {
          leaseId,
          countOf: leases.countOf,
          identityOf: leases.identityOf,
          connectionsPerLease: findBound(pool),
        }),
      askForLease: () =>
        ports.askForLease(
          {
            pool: pool?.metadata.name ?? '',
            certificate: certificate.toBase64(),
            ...(issuer === undefined ? {} : { issuer: issuer.toBase64() }),
            open: listOthers(leaseId, held),
          },
          gone.signal,
        ),
      takeTurn: (work) => (findBound(pool) === undefined ? work() : takeTurn(leaseId, work)),
      hold: (next) => {
        leases.open(next);
        release();
        held = next.lease;
      },
      isHeld: ({ lease, worker }) => leases.identityOf(lease) === worker.identity,
      connect: (worker, onread, signal) => connectWorker({ worker, secureContext: workerContext, onread, signal }),
      onServed: ports.metrics.served,
      onEnd: (record) => {
        gone.abort();
        connections.delete(connection);
        release();
        counters.closed();
        ports.onCounted();
        logEnd(record);
        if (connections.size === 0) emptied.raise();
      },
    });
    connections.add(connection);
    counters.opened(new Date());
    ports.onCounted();
  }

  /** Leases of this certificate that other connections than the one which holds `held` have here. */
  const listOthers = (leaseId: string, held: string | undefined): LeaseRequest['open'] =>
    leases.listOf(leaseId).flatMap(({ lease, connections: count }) => {
      const others = lease === held ? count - 1 : count;
      return others === 0 ? [] : [{ lease, connections: others }];
    });

  function logEnd(record: ConnectionRecord): void {
    ports.metrics.ended(record);
    log.info({ ...record }, 'connection ended');
  }

  return {
    setPool: (next) => {
      pool = next;
      checkAll();
    },
    setRoutes: (next) => {
      routes = next;
      for (const { lease, worker } of readRoutesOf(pool?.metadata.uid ?? '', routes)?.leases ?? []) {
        if (worker !== undefined) leases.hear(lease, worker.identity);
      }
      checkAll();
    },
    listen: () => listenForClients({ ...options, onClient: takeClient, onEarlyEnd: ports.metrics.endedEarly }),
    openConnections: () => connections.size,
    drained: async () => {
      while (connections.size > 0) await emptied.wait(60_000);
    },
    close: () => {
      clearInterval(deadlines);
      leases.stop();
    },
  };
}

const poolGone: Refusal = { reason: 'pool_deleted', message: 'the pool does not exist' };

/** How many connections of a certificate share a lease; undefined for all. */
const findBound = (pool: WatchedPool | undefined): number | undefined =>
  pool?.spec.workers?.scaling?.targets?.activeConnections;

export type { ConnectionRecord, Ended };

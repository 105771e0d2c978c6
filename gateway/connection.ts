/** One client, from its handshake to its last byte. */
import type { TLSSocket } from 'node:tls';
import type { LeasedWorker } from '../api/http/leases.ts';
import { checkStill, type GatewayClient, type WatchedPool } from '../core/gateway/client.ts';
import { findOverdue, type ConnectionTimes, type Overdue } from '../core/gateway/deadlines.ts';
import { SETTINGS } from '../core/gateway/http2.ts';
import type { Source } from '../core/gateway/proxy-protocol.ts';
import type { Refusal } from '../core/gateway/refusal.ts';
import { findWorker, type FindWorkerPorts } from './find-worker.ts';
import { holdClient } from './hold.ts';
import { refuse } from './refuse.ts';
import { readInto, splice } from './splice.ts';

/** Why a connection ended: label values of the metrics, beside the reasons of refusals. */
export type Ended = 'closed' | 'gave_up' | Overdue | Refusal['reason'];

/** What the log says of a connection that ended. */
export interface ConnectionRecord {
  readonly client: string;
  readonly principal?: string;
  readonly serial?: string;
  readonly lease?: string;
  readonly worker?: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Until its worker was there. */
  readonly waitedMs?: number;
  readonly durationMs: number;
  readonly ended: Ended;
}

/** A client that was let in. */
export interface Connection {
  readonly client: GatewayClient;
  readonly lease: () => string | undefined;
  /** Who serves it; undefined while it waits. */
  readonly worker: () => LeasedWorker | undefined;
  /** By what is known now of the pool. */
  readonly check: (pool: WatchedPool) => void;
  /** Whatever of its times has run out. */
  readonly checkDeadlines: (nowMs: number) => void;
  /** Says why where that can still be said. */
  readonly end: (refusal: Refusal) => void;
}

export interface ConnectionPorts extends Pick<
  FindWorkerPorts,
  'findRoute' | 'askForLease' | 'takeTurn' | 'hold' | 'isHeld' | 'now' | 'log' | 'pause'
> {
  readonly connect: (
    worker: LeasedWorker,
    onread: ReturnType<typeof readInto>,
    signal: AbortSignal,
  ) => ReturnType<FindWorkerPorts['connect']>;
  /** A worker has taken the client after so long. */
  readonly onServed: (waitedMs: number) => void;
  readonly onEnd: (record: ConnectionRecord) => void;
}

interface Arrived {
  readonly socket: TLSSocket;
  readonly source: Source;
  /** Of the certificate, as OpenSSL prints it. */
  readonly serial: string | undefined;
}

/** Answers who is not let in. */
export function refuseArrived(
  { socket, source, serial }: Arrived,
  refusal: Refusal,
  ports: Pick<ConnectionPorts, 'now' | 'onEnd'>,
): void {
  const openedAtMs = ports.now();
  socket.on('error', () => undefined);
  socket.once('close', () => {
    ports.onEnd({
      client: source.address,
      ...(serial === undefined ? {} : { serial }),
      bytesIn: 0,
      bytesOut: 0,
      durationMs: Math.round(ports.now() - openedAtMs),
      ended: refusal.reason,
    });
  });
  socket.write(SETTINGS);
  refuse(socket, refusal, new Uint8Array());
}

export function serveArrived(
  { socket, source, serial }: Arrived,
  client: GatewayClient,
  ports: ConnectionPorts,
): Connection {
  const { now } = ports;
  const gone = new AbortController();
  const times = { openedAtMs: now(), lastByteAtMs: now(), waitingSinceMs: now() } as Mutable<ConnectionTimes>;
  let [bytesIn, bytesOut] = [0, 0];
  let ended: Ended | undefined;
  let served: { readonly worker: LeasedWorker; readonly socket: TLSSocket; readonly waitedMs: number } | undefined;
  let lease: string | undefined;

  const onClientBytes = (count: number): void => {
    bytesIn += count;
    times.lastByteAtMs = now();
  };
  const onWorkerBytes = (count: number): void => {
    bytesOut += count;
    times.lastByteAtMs = now();
  };
  const cut = (why: Ended): void => {
    ended ??= why;
    gone.abort();
    socket.destroy();
    served?.socket.destroy();
  };
  const giveUp = (): void => {
    cut('gave_up');
  };
  socket.on('error', () => undefined);
  const hold = holdClient(socket, onClientBytes, giveUp);

  const end = (refusal: Refusal): void => {
    if (ended !== undefined) return;
    // What comes of a worker can't be mixed with an answer of ours.
    if (served !== undefined) {
      cut(refusal.reason);
      return;
    }
    ended = refusal.reason;
    gone.abort();
    refuse(socket, refusal, hold.release());
  };

  socket.once('close', () => {
    gone.abort();
    ports.onEnd({
      client: source.address,
      principal: client.principal,
      ...(serial === undefined ? {} : { serial }),
      ...(lease === undefined ? {} : { lease }),
      ...(served === undefined ? {} : { worker: served.worker.name, waitedMs: Math.round(served.waitedMs) }),
      bytesIn,
      bytesOut,
      durationMs: Math.round(now() - times.openedAtMs),
      ended: ended ?? (served === undefined ? 'gave_up' : 'closed'),
    });
  });

  const start = async (): Promise<void> => {
    const found = await findWorker({
      ...ports,
      hold: (next) => {
        lease = next.lease;
        ports.hold(next);
      },
      connect: (worker) => ports.connect(worker, readInto(socket, onWorkerBytes), gone.signal),
      signal: gone.signal,
    });
    take(found);
  };

  const take = (found: Awaited<ReturnType<typeof findWorker>>): void => {
    if (found === undefined) return;
    if (!found.ok) {
      end(found.error);
      return;
    }
    const { worker, socket: workerSocket } = found.value;
    if (gone.signal.aborted) {
      workerSocket.destroy();
      return;
    }
    served = { worker, socket: workerSocket, waitedMs: now() - times.openedAtMs };
    times.waitingSinceMs = undefined;
    ports.onServed(served.waitedMs);
    splice(socket, workerSocket, hold.release(), {
      onClientBytes,
      onHalfClosed: () => (times.halfClosedAtMs ??= now()),
    });
  };

  // The caller holds the connection before the first call is made for it.
  queueMicrotask(() => void start());
  return {
    client,
    lease: () => lease,
    worker: () => served?.worker,
    check: (pool) => {
      const refusal = checkStill(client, pool);
      if (refusal !== undefined) end(refusal);
    },
    checkDeadlines: (nowMs) => {
      const overdue = findOverdue(times, nowMs);
      if (overdue === 'no_worker') end({ reason: 'no_worker', message: 'no worker became ready in time' });
      else if (overdue !== undefined) cut(overdue);
    },
    end,
  };
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * The connections of a server, as many as it has the memory for: where there are too many, the one goes first that has
 * been idle for the longest, of an address that holds more than its share or else of all. So whoever holds connections
 * for nothing keeps nobody out, and no request under way is broken off.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { maxConnections, maxConnectionsPerAddress } from '../api/limits/http.ts';

export type AnyServer = Server | HttpsServer;

interface Connection {
  readonly id: string;
  readonly address: string;
  /** The one that carries the requests: of a connection with TLS another than the one it came by. */
  socket: Socket;
  /** Requests under way. */
  running: number;
}

/** Connections without a request, the one first that has been so for the longest. */
type Idle = Map<string, Connection>;

interface Holder {
  count: number;
  readonly idle: Idle;
}

export interface Connections {
  /** Called with each request; `response` says when it ends. */
  readonly begin: (request: IncomingMessage, response: ServerResponse) => void;
  /** Ends every connection without a request, now and as requests finish. */
  readonly endIdle: () => void;
}

export interface ConnectionLimits {
  readonly max: number;
  readonly maxPerAddress: number;
}

const usualLimits: ConnectionLimits = { max: maxConnections, maxPerAddress: maxConnectionsPerAddress };

export function limitConnections(
  server: AnyServer,
  { max, maxPerAddress }: ConnectionLimits = usualLimits,
): Connections {
  const connections = new Map<string, Connection>();
  const idle: Idle = new Map();
  const holders = new Map<string, Holder>();
  let isEnding = false;

  function open(socket: Socket): void {
    const id = identify(socket);
    const address = socket.remoteAddress ?? '';
    const holder = holders.get(address) ?? { count: 0, idle: new Map() };
    if (holder.count >= maxPerAddress && !endFirst(holder.idle)) return void socket.destroy();
    if (connections.size >= max && !endFirst(idle)) return void socket.destroy();
    holder.count += 1;
    holders.set(address, holder);
    const connection = { id, address, socket, running: 0 };
    connections.set(id, connection);
    rest(connection);
    socket.once('close', () => {
      forget(connection);
    });
  }

  /** False where there is none: all have requests under way. */
  function endFirst(candidates: Idle): boolean {
    const [first] = candidates.values();
    if (first === undefined) return false;
    forget(first);
    first.socket.destroy();
    return true;
  }

  function forget(connection: Connection): void {
    if (!connections.delete(connection.id)) return;
    wake(connection);
    const holder = holders.get(connection.address);
    if (holder === undefined) return;
    holder.count -= 1;
    if (holder.count === 0) holders.delete(connection.address);
  }

  function rest(connection: Connection): void {
    idle.set(connection.id, connection);
    holders.get(connection.address)?.idle.set(connection.id, connection);
  }

  function wake({ id, address }: Connection): void {
    idle.delete(id);
    holders.get(address)?.idle.delete(id);
  }

  server.on('connection', open);
  server.on('secureConnection', (socket: TLSSocket) => {
    const connection = connections.get(identify(socket));
    if (connection !== undefined) connection.socket = socket;
  });

  return {
    begin: ({ socket }, response) => {
      const connection = connections.get(identify(socket));
      if (connection === undefined) return;
      connection.running += 1;
      wake(connection);
      response.once('close', () => {
        connection.running -= 1;
        if (connection.running > 0 || !connections.has(connection.id)) return;
        if (isEnding) connection.socket.destroySoon();
        else rest(connection);
      });
    },
    endIdle: () => {
      isEnding = true;
      for (const { socket } of idle.values()) socket.destroySoon();
    },
  };
}

/** What both ends of a connection with TLS have in common. */
const identify = ({ remoteAddress = '', remotePort = 0 }: Socket): string => `${remoteAddress} ${remotePort}`;

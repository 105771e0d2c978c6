/** Bytes between a client and its worker, both ways, no faster than the slower of them takes them. */
import type { OnReadOpts } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { recordBytes } from '../api/limits/gateway.ts';

/**
 * What is written in one turn of the event loop leaves in one piece. False, as of `write`, where the socket has enough
 * for now.
 */
export function createWriter(socket: TLSSocket): (bytes: Uint8Array, written?: () => void) => boolean {
  let isCorked = false;
  const uncork = (): void => {
    isCorked = false;
    socket.uncork();
  };
  return (bytes, written) => {
    if (!isCorked) {
      isCorked = true;
      socket.cork();
      setImmediate(uncork);
    }
    return socket.write(bytes, written);
  };
}

/** Small, until a read fills it: what is idle holds no more than this. */
const idleBytes = 1024;

/** Of all connections, for the next read of any: a megabyte of the process. */
const spare: Buffer[] = [];
const maxSpare = 64;

const giveBack = (buffer: Buffer): void => {
  if (buffer.length === recordBytes && spare.length < maxSpare) spare.push(buffer);
};

/**
 * Reads a worker straight into buffers that are used again once the client has them, which saves a copy and a buffer for
 * every read. Only sockets that are connected from here can do so.
 */
export function readInto(client: TLSSocket, onBytes: (count: number) => void): OnReadOpts {
  const write = createWriter(client);
  let nextBytes = idleBytes;
  return {
    buffer: () =>
      nextBytes === recordBytes
        ? (spare.pop() ?? Buffer.allocUnsafeSlow(recordBytes))
        : Buffer.allocUnsafeSlow(idleBytes),
    callback: (count, bytes) => {
      const buffer = bytes as Buffer;
      nextBytes = count >= idleBytes ? recordBytes : idleBytes;
      onBytes(count);
      return write(buffer.subarray(0, count), () => {
        giveBack(buffer);
      });
    },
  };
}

export interface SplicePorts {
  readonly onClientBytes: (count: number) => void;
  /** One of the two has nothing more to send. */
  readonly onHalfClosed: () => void;
}

/** `worker` reads into `client` already (`readInto`); `sent` is what the client said before it was there. */
export function splice(client: TLSSocket, worker: TLSSocket, sent: Uint8Array, ports: SplicePorts): void {
  const write = createWriter(worker);
  const take = (chunk: Uint8Array): void => {
    if (!write(chunk)) client.pause();
  };
  client.on('data', (chunk: Buffer) => {
    ports.onClientBytes(chunk.length);
    take(chunk);
  });
  worker.on('drain', () => client.resume());
  client.on('drain', () => worker.resume());
  for (const [from, to] of [
    [client, worker],
    [worker, client],
  ] as const) {
    from.once('end', () => {
      ports.onHalfClosed();
      to.end();
    });
    // With what is written already: the last words of a worker say why a build failed.
    from.once('close', (hadError) => (hadError ? to.destroy() : to.end()));
  }
  client.resume();
  worker.resume();
  if (sent.length > 0) take(sent);
}

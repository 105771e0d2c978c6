/** Keeps a client waiting: it takes the connection for ready, and its calls wait without limit. */
import type { TLSSocket } from 'node:tls';
import { holdPingMs, maxHeldBytes } from '../api/limits/gateway.ts';
import { PING, SETTINGS } from '../core/gateway/http2.ts';

export interface Hold {
  /** What the client sent. From now on it is somebody else's: the socket is paused. */
  readonly release: () => Uint8Array;
}

/** `onBytes` hears that the client is alive; `onEnd` that it gave up. */
export function holdClient(socket: TLSSocket, onBytes: (count: number) => void, onEnd: () => void): Hold {
  let held: Buffer = Buffer.alloc(0);
  let length = 0;
  const take = (chunk: Buffer): void => {
    onBytes(chunk.length);
    if (length + chunk.length > held.length) held = grow(held, length + chunk.length);
    chunk.copy(held, length);
    length += chunk.length;
    if (length >= maxHeldBytes) socket.pause();
  };
  const pings = setInterval(() => {
    // Who does not even read these pays for itself: they are dropped.
    if (socket.writableLength === 0) socket.write(PING);
  }, holdPingMs);
  const stop = (): void => {
    clearInterval(pings);
  };
  socket.on('data', take);
  socket.once('end', onEnd);
  socket.once('close', stop);
  socket.write(SETTINGS);
  return {
    release: () => {
      stop();
      socket.pause();
      socket.off('data', take);
      socket.off('end', onEnd);
      socket.off('close', stop);
      return held.subarray(0, length);
    },
  };
}

/** Twice as large each time: a client that sends single bytes costs no more than one that sends them together. */
function grow(held: Buffer, neededBytes: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(neededBytes, 2 * held.length, 1024));
  held.copy(larger);
  return larger;
}

/** Says to a client why it gets no worker, and nothing else. */
import type { TLSSocket } from 'node:tls';
import { refusalTimeoutMs } from '../api/limits/gateway.ts';
import { createFrameReader, makeStatus, SETTINGS_ACK } from '../core/gateway/http2.ts';
import { toStatus, type Refusal } from '../core/gateway/refusal.ts';

/**
 * Answers the first requests, of which `sent` may hold some, and ends the connection. Who sends none in time, or speaks no
 * HTTP/2, is cut. The SETTINGS of a server must have been written.
 */
export function refuse(socket: TLSSocket, refusal: Refusal, sent: Uint8Array): void {
  const status = toStatus(refusal);
  const reader = createFrameReader();
  const answer = (bytes: Uint8Array): void => {
    const streams = reader.read(bytes);
    if (streams === undefined) socket.destroy();
    else if (streams.length > 0 && socket.writable) {
      socket.write(SETTINGS_ACK);
      for (const stream of streams.slice(0, maxAnswers)) socket.write(makeStatus(stream, status));
      socket.end();
    }
  };
  const timer = setTimeout(() => {
    socket.destroy();
  }, refusalTimeoutMs);
  socket.once('close', () => {
    clearTimeout(timer);
  });
  socket.once('end', () => {
    socket.end();
  });
  socket.on('data', answer);
  answer(sent);
  socket.resume();
}

/** Clients open one or two at once; others of the same moment end with the connection. */
const maxAnswers = 16;

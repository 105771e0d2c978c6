/** The leg from the gateway to a worker. */
import type { OnReadOpts } from 'node:net';
import { connect, type PeerCertificate, type SecureContext, type TLSSocket } from 'node:tls';
import { workerConnectTimeoutMs } from '../api/limits/gateway.ts';
import type { LeasedWorker } from '../api/http/leases.ts';
import { err, ok, type Result } from '../core/result.ts';

export interface WorkerConnection {
  readonly worker: LeasedWorker;
  readonly secureContext: SecureContext;
  readonly onread: OnReadOpts;
  readonly signal: AbortSignal;
}

/**
 * A connection to who shows the worker's identity at its address. Addresses of Pods are used again: whoever else
 * is there gets not one byte of the client's.
 */
export async function connectWorker(options: WorkerConnection): Promise<Result<TLSSocket, string>> {
  const { worker, secureContext, onread, signal } = options;
  const separator = worker.address.lastIndexOf(':');
  const target = {
    // An address, so that no name is looked up, and none is sent.
    host: worker.address.slice(0, separator).replace(/^\[(.*)\]$/, '$1'),
    port: Number(worker.address.slice(separator + 1)),
    secureContext,
    ALPNProtocols: ['h2'],
    allowHalfOpen: true,
    onread,
    checkServerIdentity: (_host: string, { subjectaltname }: PeerCertificate) =>
      subjectaltname === `URI:${worker.identity}` ? undefined : new Error('another identity'),
  };
  const socket = connect(target);
  socket.setNoDelay(true);
  const { promise, resolve } = Promise.withResolvers<Result<TLSSocket, string>>();
  const fail = (error: Error): void => {
    resolve(err(error.message));
  };
  const giveUp = (): void => {
    fail(new Error('no answer in time'));
    socket.destroy();
  };
  const timer = setTimeout(giveUp, workerConnectTimeoutMs);
  signal.addEventListener('abort', giveUp, { once: true });
  socket.on('error', fail);
  socket.once('close', () => {
    fail(new Error('closed'));
  });
  socket.once('secureConnect', () => {
    resolve(ok(socket));
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}

/** A worker that is nothing but mutual TLS: what comes goes back, in order. */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { LeasedWorker } from '../../api/http/leases.ts';
import { makeWorkerPair, workerIdentity, type Cas } from './world.ts';

export interface EchoWorker extends AsyncDisposable {
  readonly worker: LeasedWorker;
  readonly sockets: TLSSocket[];
  /** Of TCP, whatever became of them. */
  readonly connections: () => number;
  /** All that came, of all connections. */
  readonly received: () => string;
}

/** `name` is who it is; it may stand where the routes say another is. */
export async function startEchoWorker(
  cas: Cas,
  name: string,
  options: { readonly take?: (socket: TLSSocket) => void } = {},
): Promise<EchoWorker> {
  const pair = makeWorkerPair(cas, name);
  const sockets: TLSSocket[] = [];
  const chunks: Buffer[] = [];
  const raw: Socket[] = [];
  const server = createServer(
    {
      cert: pair.certificate,
      key: pair.key,
      ca: cas.gateways.certificate,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
      allowHalfOpen: true,
    },
    (socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      if (options.take === undefined) socket.pipe(socket);
      else options.take(socket);
    },
  );
  server.on('connection', (socket: Socket) => raw.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    worker: { name, namespace: 'tenant-a', address: `127.0.0.1:${port}`, identity: workerIdentity(name) },
    sockets,
    connections: () => raw.length,
    received: () => Buffer.concat(chunks).toString('latin1'),
    [Symbol.asyncDispose]: async () => {
      for (const socket of [...sockets, ...raw]) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

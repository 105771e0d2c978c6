/** Where clients arrive: TCP, a PROXY header from those who may write one, then mutual TLS. */
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { handshakeTimeoutMs, maxHandshakes, maxProxyHeaderBytes } from '../api/limits/gateway.ts';
import { parseProxyHeader, type Source } from '../core/gateway/proxy-protocol.ts';
import { isWithinAny, type Network } from '../core/ip-address.ts';
import { toServerTls, type HeldKeys } from './keys.ts';

/** Why a connection ends before anybody is known. */
export type EarlyEnd = 'too_many_handshakes' | 'proxy_header' | 'handshake';

export interface ListenOptions {
  /** 0 takes a free port. */
  readonly port: number;
  readonly hostname?: string | undefined;
  readonly keys: HeldKeys;
  /** Load balancers that begin each connection with a PROXY header. Nobody else's is read. */
  readonly proxies: readonly Network[];
  /** A handshake is done, by whomever: nothing is checked yet. */
  readonly onClient: (socket: TLSSocket, source: Source) => void;
  readonly onEarlyEnd: (why: EarlyEnd) => void;
}

export interface Listening {
  readonly port: number;
  /** Takes no more connections; those that are open stay. */
  readonly stop: () => void;
}

export async function listenForClients(options: ListenOptions): Promise<Listening> {
  const { keys, proxies, onClient, onEarlyEnd } = options;
  const handshakes = new Map<string, Source>();
  const tls = createTlsServer({
    ...toServerTls(keys.current()),
    requestCert: true,
    // Who is refused hears why: see core/gateway/client.ts, which decides.
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    handshakeTimeout: handshakeTimeoutMs,
    allowHalfOpen: true,
  });
  keys.follow((next) => {
    tls.setSecureContext(toServerTls(next));
  });
  tls.on('secureConnection', (socket) => {
    const source = handshakes.get(keyOf(socket));
    handshakes.delete(keyOf(socket));
    if (source === undefined) socket.destroy();
    else onClient(socket, source);
  });
  tls.on('tlsClientError', (_error, socket) => {
    onEarlyEnd('handshake');
    // Node reports the timeout, and leaves the socket open.
    socket.destroy();
  });
  const tcp = createTcpServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (raw) => {
    if (handshakes.size >= maxHandshakes) {
      onEarlyEnd('too_many_handshakes');
      raw.destroy();
      return;
    }
    const key = keyOf(raw);
    const peer = { address: raw.remoteAddress ?? '', port: raw.remotePort ?? 0 };
    handshakes.set(key, peer);
    raw.on('error', () => undefined);
    raw.once('close', () => handshakes.delete(key));
    if (!isWithinAny(proxies, peer.address)) tls.emit('connection', raw);
    else {
      readProxyHeader(raw, onEarlyEnd, (source = peer) => {
        handshakes.set(key, source);
        tls.emit('connection', raw);
      });
    }
  });
  tcp.listen({ port: options.port, host: options.hostname });
  await once(tcp, 'listening');
  return {
    port: (tcp.address() as AddressInfo).port,
    stop: () => {
      tcp.close();
    },
  };
}

/** A TLS socket shows the peer of the socket below it, and public API shows no more of that one. */
const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress ?? ''} ${remotePort ?? ''}`;

/** Gives back to the socket what follows the header. */
function readProxyHeader(raw: Socket, onEarlyEnd: ListenOptions['onEarlyEnd'], then: (source?: Source) => void): void {
  let bytes = Buffer.alloc(0);
  const refuse = (): void => {
    onEarlyEnd('proxy_header');
    raw.destroy();
  };
  const timer = setTimeout(refuse, handshakeTimeoutMs);
  raw.once('close', () => {
    clearTimeout(timer);
  });
  const take = (): void => {
    const chunk = raw.read() as Buffer | null;
    if (chunk === null) return;
    bytes = Buffer.concat([bytes, chunk]);
    const header = parseProxyHeader(bytes.subarray(0, maxProxyHeaderBytes));
    if (header.kind === 'partial' && bytes.length < maxProxyHeaderBytes) return;
    raw.off('readable', take);
    clearTimeout(timer);
    if (header.kind !== 'whole') {
      refuse();
      return;
    }
    if (bytes.length > header.length) raw.unshift(bytes.subarray(header.length));
    then(header.source);
  };
  raw.on('readable', take);
}

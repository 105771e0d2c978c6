/** An app on a port, over HTTP or HTTPS, that can be ended without dropping a request. */
import { getRequestListener } from '@hono/node-server';
import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { Server as NetServer, type AddressInfo } from 'node:net';
import { setImmediate as nextIteration, setTimeout as sleep } from 'node:timers/promises';
import {
  clientKeepAliveMs,
  headersTimeoutMs,
  maxHeaderBytes,
  maxWaitingConnections,
  requestTimeoutMs,
  slowRequestCheckMs,
} from '../api/limits/http.ts';
import { webhookDrainMs } from '../api/limits/webhooks.ts';
import { PROBE_PATHS } from '../api/names.ts';
import { limitConnections, type AnyServer } from './connections.ts';
import type { TlsFolder } from './tls-folder.ts';

export interface ServeOptions {
  readonly app: { readonly fetch: (request: Request) => Response | Promise<Response> };
  /** 0 takes a free port. */
  readonly port: number;
  /** Every interface when absent. */
  readonly hostname?: string;
  /** Shares the port with other processes that do the same; those take over what comes after `close`. Linux only. */
  readonly reusePort?: boolean;
  /** How long a connection may be idle: short where anybody may connect, long where the client would lose requests. */
  readonly keepAliveMs?: number;
  /** How long `close` goes on answering, so that callers hear `Connection: close` before their connection ends. */
  readonly drainMs?: number;
}

export interface ServeTlsOptions extends ServeOptions {
  readonly tls: TlsFolder;
}

export interface Serving {
  readonly port: number;
  /** Not ready, drained, shut; resolves when the last running request is answered. */
  readonly close: () => Promise<void>;
}

const makeServerOptions = ({ keepAliveMs = clientKeepAliveMs }: ServeOptions): ServerOptions => ({
  keepAliveTimeout: keepAliveMs,
  headersTimeout: headersTimeoutMs,
  requestTimeout: requestTimeoutMs,
  maxHeaderSize: maxHeaderBytes,
  connectionsCheckingInterval: slowRequestCheckMs,
});

const minVersion = 'TLSv1.2';

/** @throws {Error} naming the port, when it can't be listened on. */
export const serveHttp = async (options: ServeOptions): Promise<Serving> =>
  await listen(createHttpServer(makeServerOptions(options)), options);

/** @throws {Error} as `serveHttp`. Closes the folder with the server. */
export async function serveHttps({ tls, ...options }: ServeTlsOptions): Promise<Serving> {
  const tlsOptions = { ...tls.current(), minVersion, handshakeTimeout: headersTimeoutMs } as const;
  const server = createHttpsServer({ ...makeServerOptions(options), ...tlsOptions });
  const { port, close } = await listen(server, options);
  tls.follow((pair) => {
    server.setSecureContext({ ...pair, minVersion });
  });
  return {
    port,
    close: async () => {
      tls.close();
      await close();
    },
  };
}

/** Calls `close` once at SIGTERM or SIGINT, then ends the process with status 0. */
export function onTermination(close: () => Promise<void>): void {
  let isClosing = false;
  const end = (): void => {
    if (isClosing) return;
    isClosing = true;
    void close().then(() => process.exit(0));
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

async function listen(server: AnyServer, options: ServeOptions): Promise<Serving> {
  const answers = answerWith(server, options.app);
  const port = await bind(server, options);
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const ended = once(server, 'close');
    // Where others listen too, no connection is lost if this one stops before its callers are told to connect anew.
    // Where nobody else does, they would come back to a closed port.
    if (options.reusePort === true) await shutPort(server);
    answers.drain();
    await sleep(options.drainMs ?? webhookDrainMs);
    if (options.reusePort !== true) await shutPort(server);
    answers.endIdle();
    await ended;
  };
  return { port, close: () => (closed ??= close()) };
}

/**
 * Stops listening, and no more: the `close` of an HTTP server ends idle connections at once, on which a request may be
 * under way. The kernel resets connections that nobody has accepted yet, and right after a round of accepting there
 * are the fewest of them.
 */
async function shutPort(server: AnyServer): Promise<void> {
  await nextIteration();
  NetServer.prototype.close.call(server);
}

interface Answers {
  /** From now on every answer says `Connection: close`, and the server is not ready. */
  readonly drain: () => void;
  /** Ends every connection without a request, now and as requests finish. */
  readonly endIdle: () => void;
}

/** Connects app and server. */
function answerWith(server: AnyServer, app: ServeOptions['app']): Answers {
  const answer = getRequestListener(app.fetch);
  const connections = limitConnections(server);
  const running = new Set<ServerResponse>();
  let isDraining = false;
  server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    connections.begin(incoming, outgoing);
    running.add(outgoing);
    outgoing.once('close', () => running.delete(outgoing));
    if (isDraining) outgoing.setHeader('connection', 'close');
    if (isDraining && incoming.url === PROBE_PATHS.ready) outgoing.writeHead(503).end('draining');
    else void answer(incoming, outgoing);
  });
  const drain = (): void => {
    isDraining = true;
    for (const outgoing of running) if (!outgoing.headersSent) outgoing.setHeader('connection', 'close');
  };
  return { drain, endIdle: connections.endIdle };
}

async function bind(server: AnyServer, { port, hostname, reusePort = false }: ServeOptions): Promise<number> {
  try {
    server.listen({
      port,
      reusePort,
      backlog: maxWaitingConnections,
      ...(hostname === undefined ? {} : { host: hostname }),
    });
    await once(server, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'it is in use' : message;
    throw new Error(`cannot listen on port ${port}: ${why}`, { cause: error });
  }
  return (server.address() as AddressInfo).port;
}

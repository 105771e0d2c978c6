/** An app on a port, over HTTP or HTTPS, that can be ended without dropping a request. */
import { getRequestListener } from '@hono/node-server';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  headersTimeoutMs,
  maxHeaderBytes,
  requestTimeoutMs,
  tlsReloadMs,
  webhookDrainMs,
  webhookKeepAliveMs,
} from '../api/limits.ts';
import { PROBE_PATHS } from '../api/names.ts';
import type { Log } from './log.ts';

export interface ServeOptions {
  readonly app: { readonly fetch: (request: Request) => Response | Promise<Response> };
  /** 0 takes a free port. */
  readonly port: number;
  /** Every interface when absent. */
  readonly hostname?: string;
  /** How long `close` goes on serving, so that callers hear `Connection: close` before the port is shut. */
  readonly drainMs?: number;
}

export interface ServeTlsOptions extends ServeOptions {
  /** Folder with `tls.crt` and `tls.key`, as a Pod mounts a kubernetes.io/tls Secret. Followed when it changes. */
  readonly tlsFolder: string;
  readonly log: Log;
}

export interface Serving {
  readonly port: number;
  /** Not ready, drained, shut; resolves when the last running request is answered. */
  readonly close: () => Promise<void>;
}

const serverOptions: ServerOptions = {
  // Long for plain HTTP too: the proxies in front of it keep idle connections for 90 s.
  keepAliveTimeout: webhookKeepAliveMs,
  headersTimeout: headersTimeoutMs,
  requestTimeout: requestTimeoutMs,
  maxHeaderSize: maxHeaderBytes,
};

/** @throws {Error} naming the port, when it can't be listened on. */
export const serveHttp = async (options: ServeOptions): Promise<Serving> =>
  await listen(createHttpServer(serverOptions), options);

/** @throws {Error} as `serveHttp`, and when the pair can't be read or used. */
export async function serveHttps(options: ServeTlsOptions): Promise<Serving> {
  const pair = await readPair(options.tlsFolder);
  const server = createHttpsServer({ ...serverOptions, ...pair, minVersion });
  const serving = await listen(server, options);
  const stopFollowing = followPair(server, pair, options);
  const close = async (): Promise<void> => {
    stopFollowing();
    await serving.close();
  };
  return { port: serving.port, close };
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

async function listen(server: Server | HttpsServer, options: ServeOptions): Promise<Serving> {
  const drain = answerWith(server, options.app);
  const port = await bind(server, options);
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    drain();
    await sleep(options.drainMs ?? webhookDrainMs);
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, close: () => (closed ??= close()) };
}

/** Connects app and server. The returned function begins the drain. */
function answerWith(server: Server | HttpsServer, app: ServeOptions['app']): () => void {
  const answer = getRequestListener(app.fetch);
  const running = new Set<ServerResponse>();
  let isDraining = false;
  server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    running.add(outgoing);
    outgoing.once('close', () => running.delete(outgoing));
    if (isDraining) outgoing.setHeader('connection', 'close');
    if (isDraining && incoming.url === PROBE_PATHS.ready) outgoing.writeHead(503).end('draining');
    else void answer(incoming, outgoing);
  });
  return () => {
    isDraining = true;
    // Without this a connection whose request outlasts the drain would stay open, idle, for the keep-alive time.
    for (const outgoing of running) if (!outgoing.headersSent) outgoing.setHeader('connection', 'close');
  };
}

async function bind(server: Server | HttpsServer, { port, hostname }: ServeOptions): Promise<number> {
  try {
    server.listen({ port, ...(hostname === undefined ? {} : { host: hostname }) });
    await once(server, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'it is in use' : message;
    throw new Error(`cannot listen on port ${port}: ${why}`, { cause: error });
  }
  return (server.address() as AddressInfo).port;
}

const minVersion = 'TLSv1.2';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

async function readPair(folder: string): Promise<Pair> {
  const [cert, key] = await Promise.all(['tls.crt', 'tls.key'].map((name) => readFile(join(folder, name), 'utf8')));
  return { cert: cert ?? '', key: key ?? '' };
}

/** Looks for a new pair now and then; keeps the old one while the new one is half written. */
function followPair(server: HttpsServer, first: Pair, { tlsFolder, log }: ServeTlsOptions): () => void {
  let last = first;
  const reload = async (): Promise<void> => {
    try {
      const next = await readPair(tlsFolder);
      if (next.cert === last.cert && next.key === last.key) return;
      last = next;
      server.setSecureContext({ ...next, minVersion });
      log.info('certificate reloaded');
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'certificate not reloaded');
    }
  };
  const timer = setInterval(() => void reload(), tlsReloadMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/**
 * The apiserver over HTTPS, as far as the functions need it.
 *
 * Answers are trusted to have the shape of their schema: the apiserver holds it.
 */
import { readFile } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { addAbortSignal } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { urlToHttpOptions } from 'node:url';
import { accountTokenMemoryMs, kubeCallTimeoutMs } from '../../api/limits/kubernetes.ts';
import { traceCall } from '../activity.ts';

export interface KubeClientOptions {
  /** Base URL, e.g. `https://10.96.0.1:443`. */
  readonly url: string;
  /** Folder with `token` and `ca.crt`, as a Pod mounts it. The token is read again now and then: it rotates. */
  readonly accountFolder: string;
}

/** An apiserver, and how one proves to it who one is. */
export interface KubeConnection {
  /** Base URL, e.g. `https://10.96.0.1:443`. */
  readonly url: string;
  /** PEM: what the apiserver's certificate is verified with; the system's CAs when undefined. */
  readonly ca: string | Buffer | undefined;
  /** Name that the apiserver's certificate is for, where it is not the host of the URL. */
  readonly servername?: string;
  /** A client certificate, PEM. */
  readonly pair?: { readonly cert: string; readonly key: string };
  /** A bearer token, asked for at every call. */
  readonly readToken?: () => Promise<string>;
}

export interface KubeCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Defaults to JSON; server-side apply and patches have their own. */
  readonly contentType?: string;
  /** Defaults to JSON; metadata alone has its own. */
  readonly accept?: string;
  /** Where another time is left than any call may take. */
  readonly timeoutMs?: number;
}

export interface KubeClient {
  /**
   * What is answered 429 is asked again, as long as its time lasts.
   * @throws {KubeError} for every other answer that is not 2xx, and when no answer came.
   */
  readonly call: (call: KubeCall) => Promise<unknown>;
  /**
   * Lines of a watch, parsed; `opened` is called when the server has agreed to it, which may be long before the first.
   * Ends when the server ends it; throws KubeError as `call` does.
   */
  readonly lines: (call: KubeCall, signal: AbortSignal, opened?: () => void) => AsyncGenerator;
  readonly close: () => void;
}

/** Told of each request as it is sent; what it returns is told the status of the answer, 0 where none came. */
export type ObserveCall = (call: KubeCall) => (status: number) => void;

/** An answer that is not 2xx; `status` 0 means that no answer came. */
export class KubeError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = 'KubeError';
    this.status = status;
    this.reason = reason;
  }
}

/** The value, or undefined where the object does not exist. */
export async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return undefined;
    throw error;
  }
}

export async function createKubeClient(options: KubeClientOptions, observe?: ObserveCall): Promise<KubeClient> {
  const ca = await readFile(join(options.accountFolder, 'ca.crt'));
  const readToken = createTokenReader(join(options.accountFolder, 'token'));
  return connectKube({ url: options.url, ca, readToken }, observe);
}

export function connectKube(
  { url, ca, servername, pair, readToken }: KubeConnection,
  observe: ObserveCall = () => () => undefined,
): KubeClient {
  const tls = { ...(ca === undefined ? {} : { ca }), ...(servername === undefined ? {} : { servername }), ...pair };
  const agent = new Agent({ keepAlive: true, maxSockets: 64, ...tls });
  const { hostname, port } = urlToHttpOptions(new URL(url));
  const address = { hostname, ...(port === undefined ? {} : { port }) };
  const base = new URL(url).pathname.replace(/\/$/, '');

  async function open(call: KubeCall, bound: (sent: ClientRequest) => void): Promise<IncomingMessage> {
    const token = await readToken?.();
    const end = observe(call);
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    return await new Promise((resolve, reject) => {
      const sent = httpsRequest({
        agent,
        ...address,
        path: base + (call.query === undefined ? call.path : `${call.path}?${String(new URLSearchParams(call.query))}`),
        method: call.method ?? 'GET',
        headers: {
          accept: call.accept ?? 'application/json',
          ...traceCall(),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined
            ? {}
            : { 'content-type': call.contentType ?? 'application/json', 'content-length': Buffer.byteLength(body) }),
        },
      });
      bound(sent);
      sent.once('response', (answer) => {
        end(answer.statusCode ?? 0);
        resolve(answer);
      });
      sent.once('error', (cause) => {
        end(0);
        reject(new KubeError(0, 'Unreachable', `apiserver unreachable: ${cause.message}`));
      });
      sent.end(body);
    });
  }

  async function call({ timeoutMs = kubeCallTimeoutMs, ...options }: KubeCall): Promise<unknown> {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const { status, text, retryAfterMs } = await ask({ ...options, timeoutMs: endMs - performance.now() });
      if (status >= 200 && status < 300) return JSON.parse(text);
      // Nothing was done: the apiserver is busy, or makes a cache anew, for a second or so.
      if (status !== 429 || performance.now() + retryAfterMs >= endMs) throw toKubeError(status, text);
      await sleep(retryAfterMs);
    }
  }

  async function ask({ timeoutMs, ...options }: KubeCall & { readonly timeoutMs: number }): Promise<Answer> {
    let timer: NodeJS.Timeout | undefined;
    try {
      // A timer that is cleared: one of AbortSignal's would outlive its call by seconds.
      const answer = await open(options, (sent) => {
        timer = setTimeout(() => {
          sent.destroy(new Error(`no answer within ${Math.round(timeoutMs)} ms`));
        }, timeoutMs);
      });
      const text = await readAll(answer);
      return { status: answer.statusCode ?? 0, text, retryAfterMs: readRetryAfterMs(answer) };
    } finally {
      clearTimeout(timer);
    }
  }

  async function* lines(options: KubeCall, signal: AbortSignal, opened?: () => void): AsyncGenerator {
    const answer = await open(options, (sent) => addAbortSignal(signal, sent));
    if (!isSuccess(answer)) throw toKubeError(answer.statusCode ?? 0, await readAll(answer));
    opened?.();
    for await (const line of splitLines(answer)) yield JSON.parse(line);
  }

  return {
    call,
    lines,
    close: () => {
      agent.destroy();
    },
  };
}

function createTokenReader(file: string): () => Promise<string> {
  let readAtMs = -Infinity;
  let token = '';
  return async () => {
    if (performance.now() - readAtMs < accountTokenMemoryMs) return token;
    token = (await readFile(file, 'utf8')).trim();
    readAtMs = performance.now();
    return token;
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs: number;
}

/** The apiserver writes seconds (RFC 9110, 10.2.3). */
const readRetryAfterMs = ({ headers }: IncomingMessage): number =>
  1000 * Math.max(1, Number(headers['retry-after'] ?? 1) || 1);

const isSuccess = (answer: IncomingMessage): boolean =>
  answer.statusCode !== undefined && answer.statusCode >= 200 && answer.statusCode < 300;

/** Unlike a readline interface it has no 'error' of its own, which nobody would hear once the loop is left. */
async function* splitLines(answer: IncomingMessage): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest: string[] = [];
  for await (const chunk of answer) {
    const [head = '', ...lines] = decoder.decode(chunk as Buffer, { stream: true }).split('\n');
    rest.push(head);
    for (const line of lines) {
      yield rest.join('');
      rest = [line];
    }
  }
}

async function readAll(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer) chunks.push(chunk as Buffer);
  } catch (cause) {
    throw new KubeError(0, 'Unreachable', `answer of the apiserver broke off: ${(cause as Error).message}`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function toKubeError(status: number, text: string): KubeError {
  try {
    const body = JSON.parse(text) as { reason?: string; message?: string };
    return new KubeError(status, body.reason ?? '', body.message ?? text);
  } catch {
    return new KubeError(status, '', text.slice(0, 1024));
  }
}

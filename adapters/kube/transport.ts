/** One request to the apiserver, and the reading of its answer. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest, type Agent } from 'node:https';
import { urlToHttpOptions } from 'node:url';
import { maxObjectBytes } from '../../api/limits/kubernetes.ts';
import { traceCall } from '../activity.ts';
import { KubeError } from './errors.ts';
import { checkPath } from './paths.ts';

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
  /** Where an answer must be smaller than any may be: a larger one fails with the reason `AnswerTooLarge`. */
  readonly maxBytes?: number;
}

/** By which one gets to the apiserver, and what proves who one is. */
export interface Credentials {
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Login {
  /** As they are at this moment: tokens rotate, and so do CAs. */
  readonly logIn: () => Promise<Credentials>;
  readonly close: () => void;
}

/** Called with each request as it is sent; what it returns is called with the status of the answer, 0 where none came. */
export type ObserveCall = (call: KubeCall) => (status: number) => void;

export const agentOptions = { keepAlive: true, maxSockets: 64 } as const;

export const bearer = (token: string | undefined): Readonly<Record<string, string>> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

export type Open = (call: KubeCall, signal: AbortSignal) => Promise<IncomingMessage>;

/** Resolves with the head of an answer, whatever its status. @throws {KubeError} where none comes. */
export function createTransport(url: string, { logIn }: Login, observe: ObserveCall = ignore): Open {
  const { hostname, port } = urlToHttpOptions(new URL(url));
  const address = { hostname, ...(port === undefined ? {} : { port }) };
  const base = new URL(url).pathname.replace(/\/$/, '');

  return async (call, signal) => {
    checkPath(call.path);
    const { agent, headers } = await logIn();
    const end = observe(call);
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const sent = httpsRequest({
      agent,
      signal,
      ...address,
      path: base + call.path + formatQuery(call),
      method: call.method ?? 'GET',
      headers: { ...makeHeaders(call, body), ...traceCall(), ...headers },
    });
    return await send(sent, body, end);
  };
}

const ignore: ObserveCall = () => () => undefined;

const formatQuery = ({ query }: KubeCall): string =>
  query === undefined ? '' : `?${String(new URLSearchParams(query))}`;

function makeHeaders({ accept = json, contentType = json }: KubeCall, body: string | undefined) {
  if (body === undefined) return { accept };
  return { accept, 'content-type': contentType, 'content-length': Buffer.byteLength(body) };
}

const json = 'application/json';

const send = (sent: ClientRequest, body: string | undefined, end: (status: number) => void): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    sent.once('response', (answer) => {
      end(answer.statusCode ?? 0);
      resolve(answer);
    });
    // An error that comes after the head of the answer is one of the answer, and nobody's here.
    sent.on('error', (cause) => {
      end(0);
      reject(new KubeError(0, 'Unreachable', `apiserver unreachable: ${reasonOf(cause)}`));
    });
    sent.end(body);
  });

/** What aborted a request says more than that it was aborted. */
const reasonOf = ({ message, cause }: Error): string => (cause instanceof Error ? cause.message : message);

/** The text of an answer. @throws {KubeError} where it breaks off, or is larger than that. */
export async function readAll(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      // Leaving the loop ends the connection, so nothing more arrives.
      if (bytes > maxBytes) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new KubeError(0, 'Unreachable', `answer of the apiserver broke off: ${reasonOf(cause as Error)}`);
  }
  if (bytes > maxBytes)
    throw new KubeError(0, 'AnswerTooLarge', `answer of the apiserver: more than ${maxBytes} bytes`);
  return Buffer.concat(chunks).toString('utf8');
}

/** The apiserver writes seconds (RFC 9110, 10.2.3). */
export const readRetryAfterMs = ({ headers }: IncomingMessage): number =>
  1000 * Math.max(1, Number(headers['retry-after'] ?? 1) || 1);

/** Unlike a readline interface it has no 'error' of its own, which nobody would hear once the loop is left. */
export async function* parseLines(answer: IncomingMessage): AsyncGenerator {
  const decoder = new TextDecoder();
  let rest: string[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const [head = '', ...lines] = decoder.decode(chunk, { stream: true }).split('\n');
    rest.push(head);
    length += head.length;
    if (length > maxObjectBytes) throw new KubeError(0, 'AnswerTooLarge', 'watch: an object is too large');
    for (const line of lines) {
      yield JSON.parse(rest.join('')) as unknown;
      rest = [line];
      length = line.length;
    }
  }
}

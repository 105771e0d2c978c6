/**
 * The apiserver over HTTPS: what stands under the API classes (api.ts), the lists and the watches.
 *
 * Answers are trusted to have the shape of their schema: the apiserver enforces it.
 */
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubeCallTimeoutMs, maxAnswerBytes } from '../../api/limits/kubernetes.ts';
import { createAccountLogin } from './account.ts';
import { toKubeError } from './errors.ts';
import {
  agentOptions,
  bearer,
  createTransport,
  parseLines,
  readAll,
  readRetryAfterMs,
  type KubeCall,
  type Login,
  type ObserveCall,
} from './transport.ts';

export { KubeError, orUndefined } from './errors.ts';
export type { KubeCall, ObserveCall } from './transport.ts';

export interface KubeClientOptions {
  /** Base URL, e.g. `https://10.96.0.1:443`. */
  readonly url: string;
  /** Folder with `token` and `ca.crt`, as a Pod mounts it. Both are read again now and then: they rotate. */
  readonly accountFolder: string;
}

/** An apiserver, and how one proves to it who one is. */
export interface KubeConnection {
  /** Base URL, e.g. `https://10.96.0.1:443`. */
  readonly url: string;
  /** PEM: what the apiserver's certificate is verified with; the system's CAs when undefined. */
  readonly ca: string | Buffer | undefined;
  /** A client certificate, PEM. */
  readonly pair?: { readonly cert: string; readonly key: string };
  /** A bearer token, read at every call. */
  readonly readToken?: () => Promise<string>;
}

/** What a client does beside its calls. */
export interface ClientPorts {
  /** The field manager of every write that names none. */
  readonly fieldManager?: string;
  readonly observe?: ObserveCall;
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

/** With the ServiceAccount of a Pod. */
export const createKubeClient = async (options: KubeClientOptions, ports: ClientPorts = {}): Promise<KubeClient> =>
  createClient(options.url, await createAccountLogin(options.accountFolder), ports);

/** With credentials that stay as they are, but for the token. */
export function connectKube({ url, ca, pair, readToken }: KubeConnection, ports: ClientPorts = {}): KubeClient {
  const agent = new Agent({ ...agentOptions, ...(ca === undefined ? {} : { ca }), ...pair });
  const logIn = async () => ({ agent, headers: bearer(await readToken?.()) });
  const close = (): void => {
    agent.destroy();
  };
  return createClient(url, { logIn, close }, ports);
}

/** With the credentials that `login` has at each call. */
export function createClient(url: string, login: Login, { fieldManager, observe }: ClientPorts): KubeClient {
  const open = createTransport(url, login, observe);

  async function call({ timeoutMs = kubeCallTimeoutMs, ...asked }: KubeCall): Promise<unknown> {
    const options = fieldManager === undefined ? asked : nameManager(asked, fieldManager);
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const { status, text, retryAfterMs } = await ask({
        ...options,
        timeoutMs: Math.max(0, endMs - performance.now()),
      });
      if (status >= 200 && status < 300) return JSON.parse(text);
      // Nothing was done: the apiserver is busy, or makes a cache anew, for a second or so.
      if (status !== 429 || performance.now() + retryAfterMs >= endMs) throw toKubeError(status, text);
      await sleep(retryAfterMs);
    }
  }

  async function ask({ timeoutMs, ...options }: KubeCall & { readonly timeoutMs: number }) {
    const overdue = new AbortController();
    // A timer that is cleared: one of AbortSignal's would outlive its call by seconds.
    const timer = setTimeout(() => {
      overdue.abort(new Error(`no answer within ${Math.round(timeoutMs)} ms`));
    }, timeoutMs);
    try {
      const answer = await open(options, overdue.signal);
      const text = await readAll(answer, options.maxBytes ?? maxAnswerBytes);
      return { status: answer.statusCode ?? 0, text, retryAfterMs: readRetryAfterMs(answer) };
    } finally {
      clearTimeout(timer);
    }
  }

  async function* lines(options: KubeCall, signal: AbortSignal, opened?: () => void): AsyncGenerator {
    const answer = await open(options, signal);
    const status = answer.statusCode ?? 0;
    if (status < 200 || status > 299) throw toKubeError(status, await readAll(answer, maxAnswerBytes));
    opened?.();
    yield* parseLines(answer);
  }

  return { call, lines, close: login.close };
}

/** Who wrote what stands in `metadata.managedFields`; without a name it would be that of the program, `node`. */
function nameManager(call: KubeCall, fieldManager: string): KubeCall {
  const isWrite = call.method !== undefined && call.method !== 'GET' && call.method !== 'DELETE';
  return isWrite ? { ...call, query: { fieldManager, ...call.query } } : call;
}

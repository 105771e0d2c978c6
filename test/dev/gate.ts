/**
 * A server between a source of events and its sink: passes on what comes, and remembers it, so that a test can send it
 * again, late or in another order; or does to it what a network or a sink does on no command.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Received {
  /** As they came, without those of the connection. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Of `performance.now()`. */
  readonly atMs: number;
  /** What the source was answered. */
  readonly status: number;
}

/** Passes on, answers with that status, or loses the event without a word to anybody. */
export type Behaviour = 'pass' | 'lose' | number;

export interface Gate {
  readonly url: string;
  /** Every attempt of the source that was answered, in that order. */
  readonly received: readonly Received[];
  readonly behave: (behaviour: Behaviour) => void;
  readonly close: () => Promise<void>;
}

const ofConnection = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding']);

export async function openGate(target: string): Promise<Gate> {
  const received: Received[] = [];
  let behaviour: Behaviour = 'pass';
  const server = createServer((request, response) => {
    const answer = async () => {
      const event = await readEvent(request);
      const status = behaviour === 'pass' ? await post(target, event) : behaviour === 'lose' ? 202 : behaviour;
      received.push({ ...event, atMs: performance.now(), status });
      response.writeHead(status).end();
    };
    answer().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${new URL(target).pathname}`,
    received,
    behave: (next) => (behaviour = next),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

export type HttpEvent = Pick<Received, 'headers' | 'body'>;

export async function readEvent(request: IncomingMessage): Promise<HttpEvent> {
  const body = (await buffer(request)).toString();
  const headers = Object.entries(request.headers).filter(([name]) => !ofConnection.has(name));
  return { headers: Object.fromEntries(headers) as Record<string, string>, body };
}

/** The status of the answer. */
export async function post(target: string, { headers, body }: HttpEvent): Promise<number> {
  const answer = await fetch(target, { method: 'POST', headers, body });
  await answer.arrayBuffer();
  return answer.status;
}

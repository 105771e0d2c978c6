/** Calls functions as Pods of the cluster do: at the ingress, by the name of their service. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface FunctionCall {
  /** Of the node, where the ingress listens. */
  readonly address: string;
  /** Knative Service, and its namespace. */
  readonly name: string;
  readonly namespace: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** At most this long: a request at zero waits for a Pod. */
const timeoutMs = 60_000;

/** @throws {Error} when no answer came: nothing is tried again. */
export function callFunction({ address, name, namespace, body, ...call }: FunctionCall): Promise<Answer> {
  const headers = { ...call.headers, host: `${name}.${namespace}.svc.cluster.local` };
  return new Promise((resolve, reject) => {
    const sent = request({ ...call, host: address, headers, timeout: timeoutMs });
    sent.once('response', (answer) => {
      const { statusCode: status = 0 } = answer;
      text(answer).then((read) => {
        resolve({ status, text: read });
      }, reject);
    });
    sent.once('timeout', () => sent.destroy(new Error(`${name}: no answer within ${timeoutMs} ms`)));
    sent.once('error', reject);
    sent.end(body);
  });
}

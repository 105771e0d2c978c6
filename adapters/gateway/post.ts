/** POSTs JSON to the functions with the Pod's token, over HTTP or HTTPS as the URL says. */
import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { gatewayCallTimeoutMs, maxGatewayAnswerBytes } from '../../api/limits/gateway.ts';
import { readJson } from '../../core/json-text.ts';

export interface PostOptions {
  /** Bound to this Pod, of our audience. Read at every call: it rotates. */
  readonly tokenFile: string;
  /** PEM: what the functions' certificates are verified with; those of the system when absent. Read at every call, too. */
  readonly caFile: string | undefined;
}

export interface PostCall {
  readonly url: URL;
  readonly body: unknown;
  /** In place of the Pod's own. */
  readonly token?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface PostAnswer {
  readonly status: number;
  /** Undefined where it is no JSON. */
  readonly body: unknown;
}

/** Rejects when no whole answer came. */
export type Post = (call: PostCall) => Promise<PostAnswer>;

export function createPost({ tokenFile, caFile }: PostOptions): Post {
  return async ({ url, body, token: given, timeoutMs = gatewayCallTimeoutMs, signal }) => {
    const [token, ca] = await Promise.all([
      given ?? readFile(tokenFile, 'utf8'),
      caFile === undefined ? undefined : readFile(caFile),
    ]);
    const text = JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${token.trim()}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    };
    const deadline = AbortSignal.timeout(timeoutMs);
    const ending = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
    const options = { method: 'POST', headers, signal: ending };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent =
        url.protocol === 'https:'
          ? httpsRequest(url, { ...options, ...(ca === undefined ? {} : { ca }) }, resolve)
          : httpRequest(url, options, resolve);
      sent.once('error', reject);
      sent.end(text);
    });
    return { status: answer.statusCode ?? 0, body: readJson(await readText(answer)) };
  };
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxGatewayAnswerBytes) throw new Error(`answer: expected <= ${maxGatewayAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

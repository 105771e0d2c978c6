/**
 * A webhook that reads a review and allows it: what any webhook costs that is written for Node. Run as a program, with
 * `PORT` and `TLS_FOLDER` as the real one.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { readListener, readVariables } from '../adapters/environment.ts';
import { ADMISSION_API_VERSION, ADMISSION_KIND } from '../api/http/admission-review.ts';
import { webhookKeepAliveMs } from '../api/limits/webhooks.ts';

async function main(): Promise<void> {
  const { TLS_FOLDER } = readVariables(['PORT', 'TLS_FOLDER']);
  const [cert, key] = await Promise.all(['tls.crt', 'tls.key'].map((name) => readFile(join(TLS_FOLDER, name))));
  const server = createServer({ cert, key, keepAliveTimeout: webhookKeepAliveMs }, (incoming, outgoing) => {
    void text(incoming).then((body) => {
      outgoing.setHeader('content-type', 'application/json').end(body === '' ? '{}' : allow(body));
    });
  });
  server.listen(readListener().port, '127.0.0.1');
}

function allow(body: string): string {
  const { request } = JSON.parse(body) as { readonly request: { readonly uid: string } };
  const response = { uid: request.uid, allowed: true };
  return JSON.stringify({ apiVersion: ADMISSION_API_VERSION, kind: ADMISSION_KIND, response });
}

await main();

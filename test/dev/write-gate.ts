/** Stands between a process and the apiserver, and is told of each write: before it goes on, and when it is done. */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { request as httpsRequest, createServer } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { makeRoot, makeWebhookLeaf } from '../../adapters/x509/authorities.ts';
import { makeWebhookRootProfile } from '../../core/certificates/profile.ts';

export interface WriteGate {
  readonly url: string;
  /** As a Pod mounts it: the same token, and a CA that the gate is verified with. */
  readonly accountFolder: string;
  /** Called with the nth write, from 1, and its path without the query: before it goes on, and when it is answered. */
  watch: {
    readonly before?: (index: number, path: string) => Promise<void>;
    readonly after?: (index: number, path: string) => Promise<void>;
  };
  /** Begins to count anew. */
  readonly reset: () => void;
  readonly close: () => void;
}

export async function openWriteGate(
  folder: string,
  target: { readonly url: string; readonly accountFolder: string },
): Promise<WriteGate> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const ca = makeRoot(makeWebhookRootProfile, nowSeconds);
  const leaf = makeWebhookLeaf(ca, ['127.0.0.1'], nowSeconds);
  await mkdir(folder, { recursive: true });
  await copyFile(join(target.accountFolder, 'token'), join(folder, 'token'));
  await writeFile(join(folder, 'ca.crt'), ca.certificate);
  const targetCa = await readFile(join(target.accountFolder, 'ca.crt'));
  let writes = 0;

  const server = createServer({ key: leaf.key, cert: leaf.certificate }, (incoming, outgoing) => {
    const forward = async () => {
      const url = incoming.url ?? '';
      const path = url.replace(/\?.*/, '');
      const index = incoming.method === 'GET' ? undefined : ++writes;
      const body = await buffer(incoming);
      if (index !== undefined) await gate.watch.before?.(index, path);
      const sent = httpsRequest(new URL(url, target.url), {
        method: incoming.method,
        headers: { ...incoming.headers, host: new URL(target.url).host },
        ca: targetCa,
      });
      sent.end(body);
      const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
      const answered = await buffer(answer);
      if (index !== undefined) await gate.watch.after?.(index, path);
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(answered);
    };
    forward().catch((error: unknown) => outgoing.destroy(error as Error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const gate: WriteGate = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accountFolder: folder,
    watch: {},
    reset: () => {
      writes = 0;
      gate.watch = {};
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return gate;
}

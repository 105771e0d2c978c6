/** An apiserver that says yes at once, so that what is measured is our own time: the calls of one certificate request. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsPair } from '../adapters/x509/signer.ts';
import { TOKEN_AUDIENCE } from '../api/names.ts';

/** Whoever asks. */
export const yesUser = 'system:serviceaccount:tenant-a:default';
const user = { username: yesUser, groups: ['system:serviceaccounts'] };

const answers: readonly (readonly [path: RegExp, answer: object])[] = [
  [/\/tokenreviews$/, { status: { authenticated: true, audiences: [TOKEN_AUDIENCE], user } }],
  [/\/subjectaccessreviews$/, { status: { allowed: true } }],
  [/\/buildkitpools\/[a-z-]+$/, { metadata: { uid: '3c1f9a52-7c1e-4f0e-9a52-7c1e4f0e9a52' }, spec: {} }],
  [/\/namespaces\/[a-z-]+$/, { metadata: { labels: {} } }],
];

export interface YesApiserver {
  readonly port: number;
  readonly close: () => void;
}

export async function startYesApiserver({ certificate, key }: TlsPair): Promise<YesApiserver> {
  const server = createServer({ cert: certificate, key }, (request, response) => {
    request.resume();
    const { pathname } = new URL(request.url ?? '', 'https://localhost');
    const [, answer] = answers.find(([path]) => path.test(pathname)) ?? [];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

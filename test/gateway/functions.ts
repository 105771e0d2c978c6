/** What a gateway asks, at one address: answers of the functions as a test wants them. */
import { hash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { GatewayKeysRequest } from '../../api/http/keys.ts';
import type { GrantedLease, LeasedWorker, LeaseRequest } from '../../api/http/leases.ts';

/** An answer of `allocation`: a worker for the certificate's first lease or another one, or a status with a body. */
export type Allocate = (
  request: LeaseRequest,
  certificate: X509Certificate,
) => LeasedWorker | GrantedLease | { readonly status: number; readonly body: unknown };

export interface Functions extends AsyncDisposable {
  readonly url: URL;
  /** The token that they take. */
  readonly tokenFile: string;
  /** Bodies of what was asked, by path. */
  readonly asked: Map<string, unknown[]>;
  readonly allocate: (allocate: Allocate) => void;
  /** Renewals are answered with 503 from now on. */
  readonly failRenewals: () => void;
  readonly endLeases: (ended: readonly { readonly lease: string; readonly reason: string }[]) => void;
}

interface State {
  allocate: Allocate;
  ended: readonly { readonly lease: string; readonly reason: string }[];
  renewStatus: number;
}

const leaseIn = (request: LeaseRequest): string =>
  hash('sha256', Buffer.from(request.certificate, 'base64')).slice(0, 32);

/** `signKeys` gives nothing where they can't be signed now. */
export async function startFunctions(
  signKeys: (request: GatewayKeysRequest) => object | undefined,
): Promise<Functions> {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, 'token of the Pod');
  const asked = new Map<string, unknown[]>();
  const state: State = {
    allocate: () => ({ status: 503, body: 'nobody allocates' }),
    ended: [],
    renewStatus: 200,
  };
  const answer = (path: string, body: unknown): { status: number; body: unknown } => {
    if (path === '/lifecycle/keys') {
      const keys = signKeys(body as GatewayKeysRequest);
      return { status: keys === undefined ? 503 : 200, body: keys };
    }
    if (path === '/allocation/leases/renew') return { status: state.renewStatus, body: { ended: state.ended } };
    if (path !== '/allocation/leases') return { status: 204, body: undefined };
    const request = body as LeaseRequest;
    const certificate = new X509Certificate(Buffer.from(request.certificate, 'base64'));
    const allocated = state.allocate(request, certificate);
    if ('status' in allocated) return allocated;
    return { status: 200, body: 'lease' in allocated ? allocated : { lease: leaseIn(request), worker: allocated } };
  };
  const server = createServer((incoming, outgoing) => {
    void text(incoming).then((sent) => {
      const path = incoming.url ?? '';
      const body = JSON.parse(sent) as unknown;
      asked.set(path, [...(asked.get(path) ?? []), body]);
      const answered =
        incoming.headers.authorization === 'Bearer token of the Pod' ? answer(path, body) : { status: 401, body: '' };
      outgoing
        .writeHead(answered.status, { 'content-type': 'application/json' })
        .end(answered.body === undefined ? '' : JSON.stringify(answered.body));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    tokenFile,
    asked,
    allocate: (allocate) => (state.allocate = allocate),
    failRenewals: () => (state.renewStatus = 503),
    endLeases: (over) => (state.ended = over),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

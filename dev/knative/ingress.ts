/** An ingress for Knative Serving, for development: HTTP alone, one instance, as a process of the node's host. */
import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { createPause } from '../../adapters/backoff.ts';
import type { KubeClient } from '../../adapters/kube/client.ts';
import { listAll } from '../../adapters/kube/list.ts';
import { servicePath } from '../../adapters/kube/paths.ts';
import { listAndWatch } from '../../adapters/kube/watch.ts';
import type { Log } from '../../adapters/log.ts';
import { createMerge } from '../../core/merge.ts';
import { isAcknowledged, isOfClass, makeRoutes, makeStatus, type Ingress, type Route } from './routes.ts';

const group = '/apis/networking.internal.knative.dev/v1alpha1';
const path = `${group}/ingresses`;
const httpPort = 80;

export interface IngressOptions {
  readonly kube: KubeClient;
  readonly ingressClass: string;
  /** Of the host, reachable from its Pods. Port 80 of it is listened on. */
  readonly address: string;
  readonly log: Log;
}

export interface RunningIngress {
  /** Every connection ends, and no new one is taken. */
  readonly cut: () => Promise<void>;
  readonly restore: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function startIngress({ kube, ingressClass, address, log }: IngressOptions): Promise<RunningIngress> {
  const ending = new AbortController();
  let targets = new Map<string, Target>();
  const bringUpToDate = createMerge<string>(
    async () => {
      const { items } = await listAll<Ingress>(kube, { path }, (ingress) => ingress);
      const ours = items.filter((ingress) => isOfClass(ingress, ingressClass));
      targets = await resolve(kube, makeRoutes(ours));
      for (const ingress of ours) if (!isAcknowledged(ingress)) await acknowledge(kube, ingress, address);
    },
    { idOf: () => '' },
  );
  const pause = createPause({ signal: ending.signal, random: Math.random });
  const tryUntilDone = async (): Promise<void> => {
    for (let failures = 1; !ending.signal.aborted; failures += 1) {
      try {
        await bringUpToDate('', undefined);
        return;
      } catch (error) {
        // A Service that does not exist yet, most likely.
        log.warn({ error: (error as Error).message }, 'routes not brought up to date');
        await pause(failures);
      }
    }
  };
  const emit = (): void => void tryUntilDone();
  const watching = listAndWatch(kube, { path }, { emit, pause, log, signal: ending.signal });
  const agent = new Agent({ keepAlive: true });
  const serve = (): Promise<Server> => listen(address, (host) => targets.get(host), agent);
  let server = await serve();
  const cut = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return {
    cut,
    restore: async () => {
      server = await serve();
    },
    close: async () => {
      ending.abort();
      if (server.listening) await cut();
      agent.destroy();
      await watching;
    },
  };
}

/** A route whose Service is an address. */
interface Target {
  readonly address: string;
  readonly port: number;
  readonly headers: Route['headers'];
}

/** @throws {KubeError} with status 404 while one of the Services does not exist. */
async function resolve(kube: KubeClient, routes: ReadonlyMap<string, Route>): Promise<Map<string, Target>> {
  const entries = [...routes].map(async ([host, { service, headers }]) => {
    const { namespace, name, port } = service;
    const answer = await kube.call({ path: servicePath({ namespace, name }) });
    const { clusterIP } = (answer as { spec: { clusterIP: string } }).spec;
    return [host, { address: clusterIP, port, headers }] as const;
  });
  return new Map(await Promise.all(entries));
}

async function acknowledge(kube: KubeClient, ingress: Ingress, address: string): Promise<void> {
  const { namespace, name } = ingress.metadata;
  await kube.call({
    method: 'PATCH',
    path: `${group}/namespaces/${namespace}/ingresses/${name}/status`,
    contentType: 'application/merge-patch+json',
    body: { status: makeStatus(ingress, address, new Date()) },
  });
}

/** No request is given up here: how long one may take is said by the service that answers it. */
async function listen(address: string, find: (host: string) => Target | undefined, agent: Agent): Promise<Server> {
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 90_000 }, (incoming, outgoing) => {
    const target = find((incoming.headers.host ?? '').replace(/:\d+$/, ''));
    if (target === undefined) outgoing.writeHead(404).end('no such host');
    else forward(incoming, outgoing, { ...target, agent });
  });
  server.listen(httpPort, address);
  await once(server, 'listening');
  return server;
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, target: Target & { agent: Agent }): void {
  const { method, url, headers } = incoming;
  const sent = request({
    agent: target.agent,
    host: target.address,
    port: target.port,
    method,
    path: url,
    headers: { ...headers, ...target.headers },
  });
  sent.once('response', (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    void pipeline(answer, outgoing).catch(() => outgoing.destroy());
  });
  sent.once('error', () => {
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(502).end('service unreachable');
  });
  incoming.once('error', () => sent.destroy());
  outgoing.once('close', () => sent.destroy());
  incoming.pipe(sent);
}

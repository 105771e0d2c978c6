/** `POST /lifecycle/keys` and `POST /lifecycle/keys/worker`: sign the keys of a Pod that lifecycle made. */
import {
  gatewayKeysRequest,
  workerKeysRequest,
  type GatewayKeys,
  type GatewayKeysRequest,
  type WorkerKeys,
  type WorkerKeysRequest,
} from '../../api/http/keys.ts';
import { maxKeysBodyBytes, maxWorkerKeysBodyBytes } from '../../api/limits/lifecycle.ts';
import type { Pool } from '../../api/v1beta1/pool.ts';
import type { Worker } from '../../api/v1beta1/worker.ts';
import type { PoolIdentity } from '../../core/certificates/client-uris.ts';
import type { GatewayServer, WorkerIdentity } from '../../core/certificates/lifecycle.ts';
import type { CsrFault, SubjectKey } from '../../core/certificates/issued.ts';
import { claimedHostnames, gatewayServerOf, listLostHostnames } from '../../core/lifecycle/gateway-names.ts';
import type { LifecycleSettings } from '../../core/lifecycle/settings.ts';
import type { Result } from '../../core/result.ts';
import { createPodHandler, type PodCaller, type PodRequestOptions } from '../pod-request.ts';

/** PEM, both. */
interface TlsPair {
  readonly certificate: string;
  readonly key: string;
}

/** Each rejects while it can't sign; chains in PEM begin with the leaf. */
export interface Signing {
  /** PEM of the roots to trust. */
  readonly readRoots: () => Promise<string>;
  /** The CA of the pool's gateway, made where there is none. */
  readonly ensurePoolCa: (poolUid: string) => Promise<TlsPair>;
  readonly signWorker: (key: SubjectKey, worker: WorkerIdentity) => Promise<string>;
  readonly signGatewayServer: (key: SubjectKey, server: GatewayServer) => Promise<string>;
  readonly signGatewayClient: (key: SubjectKey, pool: PoolIdentity, poolCa: TlsPair) => string;
}

export interface KeysPorts extends Pick<PodRequestOptions<GatewayKeysRequest>, 'authenticate' | 'log'>, Signing {
  /** Of tokens that are for the key of a worker and for nothing else. */
  readonly authenticateWorker: PodRequestOptions<WorkerKeysRequest>['authenticate'];
  readonly readCsr: (text: string) => Result<SubjectKey, CsrFault>;
  /** The pool, where the Pod is one of its gateway that lifecycle made. Rejects when nobody can say now. */
  readonly findPoolOfGateway: FindPoolOfGateway;
  /** Undefined where it does not exist. Rejects when nobody can say now. */
  readonly getWorker: (key: Pick<WorkerIdentity, 'namespace' | 'name'>) => Promise<Worker | undefined>;
  /** Every pool there is. */
  readonly listClaimants: () => Promise<readonly Pool[]>;
  /** That an older pool has the name. */
  readonly reportHostnameConflict: (pool: Pool, hostname: string) => Promise<void>;
  readonly settings: LifecycleSettings;
}

export type FindPoolOfGateway = (caller: PodCaller, pool: string) => Promise<Pool | undefined>;

/** 200 certificates, 403 not a Pod that lifecycle made, and as `createPodHandler`. */
export const createGatewayKeysHandler = (ports: KeysPorts): ((request: Request) => Promise<Response>) =>
  createPodHandler({
    ...ports,
    schema: gatewayKeysRequest,
    maxBodyBytes: maxKeysBodyBytes,
    answer: (caller, body) => signGateway(ports, caller, body),
  });

/** As `createGatewayKeysHandler`. */
export const createWorkerKeysHandler = (ports: KeysPorts): ((request: Request) => Promise<Response>) =>
  createPodHandler({
    ...ports,
    authenticate: ports.authenticateWorker,
    schema: workerKeysRequest,
    maxBodyBytes: maxWorkerKeysBodyBytes,
    answer: (caller, body) => signWorker(ports, caller, body),
  });

async function signGateway(ports: KeysPorts, caller: PodCaller, body: GatewayKeysRequest): Promise<Response> {
  const [server, client] = [ports.readCsr(body.serverCsr), ports.readCsr(body.clientCsr)];
  if (!server.ok) return malformed('serverCsr', server.error);
  if (!client.ok) return malformed('clientCsr', client.error);
  const pool = await ports.findPoolOfGateway(caller, body.pool);
  if (pool === undefined) return notOurs('not a Pod of the gateway of this pool');
  const ca = await ports.ensurePoolCa(pool.metadata.uid);
  const roots = await ports.readRoots();
  // Names outside of the cluster alone can be claimed twice.
  const others = claimedHostnames(pool).length === 0 ? [] : await ports.listClaimants();
  for (const lost of listLostHostnames(pool, ports.settings, others)) await ports.reportHostnameConflict(pool, lost);
  const keys: GatewayKeys = {
    server: await ports.signGatewayServer(server.value, gatewayServerOf(pool, ports.settings, others)),
    client: ports.signGatewayClient(client.value, pool.metadata, ca),
    clientCa: roots,
    serverCa: roots,
  };
  return Response.json(keys);
}

/** Lifecycle writes the UID of the Pod it made, and the pool it was admitted to, before the Pod can ask. */
async function signWorker(ports: KeysPorts, caller: PodCaller, body: WorkerKeysRequest): Promise<Response> {
  const key = ports.readCsr(body.serverCsr);
  if (!key.ok) return malformed('serverCsr', key.error);
  const worker = await ports.getWorker({ namespace: caller.namespace, name: body.worker });
  const { podUID, poolUID } = worker?.status ?? {};
  if (worker === undefined || podUID !== caller.uid || poolUID === undefined) {
    return notOurs('not the Pod of this worker');
  }
  const { certificate: clientCa } = await ports.ensurePoolCa(poolUID);
  const keys: WorkerKeys = { server: await ports.signWorker(key.value, worker.metadata), clientCa };
  return Response.json(keys);
}

const malformed = (field: string, { expected, got }: CsrFault): Response =>
  new Response(`${field}: expected ${expected}, got ${got}`, { status: 400 });

const notOurs = (text: string): Response => new Response(text, { status: 403 });

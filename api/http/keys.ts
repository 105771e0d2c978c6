/**
 * What a gateway or worker asks of `lifecycle` for the keys that it made, with a Pod-bound token: a gateway of our audience,
 * at KEYS_PATH; a worker through a gateway of its pool, with a token for nothing else, at WORKER_KEYS_PATH.
 *
 * 200 certificates, 400 malformed, 401 no token of a Pod, 403 not a Pod that lifecycle made, 503 to be tried again.
 */
import * as z from 'zod';
import { poolName } from '../fields.ts';

export const KEYS_PATH = '/lifecycle/keys';
export const WORKER_KEYS_PATH = '/lifecycle/keys/worker';

/** PEM of a PKCS#10 request (RFC 2986); only its key is taken. */
const csr = z.string().max(8192);
const pem = z.string();

export const gatewayKeysRequest = z.strictObject({
  pool: poolName('Pool of the gateway, in the namespace of its Pod.'),
  /** For what clients see. */
  serverCsr: csr,
  /** For what workers see. */
  clientCsr: csr,
});
export type GatewayKeysRequest = z.infer<typeof gatewayKeysRequest>;

export const workerKeysRequest = z.strictObject({ worker: z.string().max(253), serverCsr: csr });
export type WorkerKeysRequest = z.infer<typeof workerKeysRequest>;

/**
 * Chains begin with the leaf. `server` is of the server intermediate; `client` of the pool's gateway CA; `clientCa` is
 * whom the server lets in: the root for a gateway, the pool's gateway CA alone for a worker; `serverCa` is whom a
 * gateway believes to be a worker: the root.
 */
export const gatewayKeys = z.object({ server: pem, client: pem, clientCa: pem, serverCa: pem });
export const workerKeys = z.object({ server: pem, clientCa: pem });
export type GatewayKeys = z.infer<typeof gatewayKeys>;
export type WorkerKeys = z.infer<typeof workerKeys>;

/** Why keys are not signed; every other status means that it may be tried again. */
export const KEYS_REFUSALS = [400, 401, 403] as const;
export type KeysRefusal = (typeof KEYS_REFUSALS)[number];

/** The keys, or the status with which they are refused. */
export type WorkerKeysAnswer = { readonly status: 200; readonly keys: WorkerKeys } | { readonly status: KeysRefusal };

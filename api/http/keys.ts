/**
 * What a gateway or worker asks of `lifecycle` for the keys that it made, with a Pod-bound token of our audience.
 *
 * POST /lifecycle/keys: 200 certificates, 400 malformed, 401 no token of a Pod, 403 not a Pod that lifecycle made, 503
 * to be tried again.
 */
import * as z from 'zod';
import { poolName } from '../fields.ts';

export const KEYS_PATH = '/lifecycle/keys';

/** PEM of a PKCS#10 request (RFC 2986); only its key is taken. */
const csr = z.string().max(8192);
const pem = z.string();

export const keysRequest = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('gateway'),
    pool: poolName('Pool of the gateway, in the namespace of its Pod.'),
    /** For what clients see. */
    serverCsr: csr,
    /** For what workers see. */
    clientCsr: csr,
  }),
  z.strictObject({ kind: z.literal('worker'), worker: z.string().max(253), serverCsr: csr }),
]);
export type KeysRequest = z.infer<typeof keysRequest>;

/**
 * Chains begin with the leaf. `server` is of the server intermediate; `client` of the pool's gateway CA; `clientCa` is
 * whom the server lets in: the root for a gateway, the pool's gateway CA alone for a worker; `serverCa` is whom a
 * gateway believes to be a worker: the root.
 */
export const gatewayKeys = z.object({ server: pem, client: pem, clientCa: pem, serverCa: pem });
export const workerKeys = z.object({ server: pem, clientCa: pem });
export type GatewayKeys = z.infer<typeof gatewayKeys>;
export type WorkerKeys = z.infer<typeof workerKeys>;

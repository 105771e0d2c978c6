/** Keys that are made here, and certificates that `lifecycle` makes for them. */
import { X509Certificate } from 'node:crypto';
import { generateKeyPair } from '../x509/keys.ts';
import { makeCsr } from '../x509/make-csr.ts';
import { toPem } from '../x509/pem.ts';
import type { Functions } from './functions.ts';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface SignedKeys {
  readonly server: Pair;
  readonly client: Pair;
  readonly clientCa: string;
  readonly serverCa: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Rejects when they can't be signed now. */
export async function requestKeys({ signKeys }: Pick<Functions, 'signKeys'>, pool: string): Promise<SignedKeys> {
  const [server, client] = [generateKeyPair(), generateKeyPair()];
  const signed = await signKeys({
    pool,
    serverCsr: makeCsr(server),
    clientCsr: makeCsr(client),
  });
  const leaves = [signed.server, signed.client].map((chain) => new X509Certificate(chain));
  return {
    server: { cert: signed.server, key: toPem('PRIVATE KEY', server.privateKey) },
    client: { cert: signed.client, key: toPem('PRIVATE KEY', client.privateKey) },
    clientCa: signed.clientCa,
    serverCa: signed.serverCa,
    notBeforeMs: Math.max(...leaves.map(({ validFromDate }) => validFromDate.getTime())),
    notAfterMs: Math.min(...leaves.map(({ validToDate }) => validToDate.getTime())),
  };
}

/** The keys of this process: made in memory, signed by `lifecycle`, replaced long before they end. */
import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext, type TlsOptions } from 'node:tls';
import { maxTimerMs } from '../api/limits/gateway.ts';

export interface Keys {
  readonly server: Pair;
  /** What workers see. */
  readonly client: Pair;
  /** PEM: who issued clients, and who issued workers. */
  readonly clientCa: string;
  readonly serverCa: string;
  /** Milliseconds since the epoch: of the pair that ends first. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface Pair {
  /** PEM, the leaf first. */
  readonly cert: string;
  readonly key: string;
}

/** AES-128 costs a tenth less than AES-256 of a bulk transfer, and both are out of reach of everybody. */
const cipherSuites = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

const common = {
  ciphers: cipherSuites,
  ecdhCurve: 'X25519:P-256:P-384',
  honorCipherOrder: true,
  // A session that is resumed would not be checked again.
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
} as const;

/** All of it at every change: what is left out of `setSecureContext` is unset by it. */
export const toServerTls = ({ server, clientCa }: Keys): TlsOptions => ({
  ...common,
  ...server,
  ca: clientCa,
  minVersion: 'TLSv1.2',
});

/** Workers are ours, and speak the newest version. */
export const toWorkerContext = ({ client, serverCa }: Keys): SecureContext =>
  createSecureContext({ ...common, ...client, ca: serverCa, minVersion: 'TLSv1.3' });

export interface KeysPorts {
  /** Makes keys and has them signed. Rejects when that can't be done now. */
  readonly requestKeys: () => Promise<Keys>;
  /** Resolves after so many failures in a row, or when the process ends. */
  readonly pause: (failures: number) => Promise<void>;
  readonly signal: AbortSignal;
  readonly log: {
    readonly info: (fields: object, message: string) => void;
    readonly warn: (fields: object, message: string) => void;
  };
}

export interface HeldKeys {
  readonly current: () => Keys;
  /** Called with each new set. */
  readonly follow: (take: (keys: Keys) => void) => void;
}

/** Resolves with the first set, and goes on until the signal is aborted. */
export async function holdKeys(ports: KeysPorts): Promise<HeldKeys> {
  const takers = new Set<(keys: Keys) => void>();
  let keys = await requestUntilHad(ports);
  if (keys === undefined) throw new Error('ended before there were keys');
  const held: HeldKeys = { current: () => keys as Keys, follow: (take) => takers.add(take) };
  void (async () => {
    while (!ports.signal.aborted) {
      await sleepUntil(renewalOf(held.current()), ports.signal);
      const next = await requestUntilHad(ports);
      if (next === undefined) return;
      keys = next;
      for (const take of takers) take(next);
    }
  })();
  return held;
}

/** At two thirds of their life, so that a third is left for an API that is away. */
export const renewalOf = ({ notBeforeMs, notAfterMs }: Pick<Keys, 'notBeforeMs' | 'notAfterMs'>): number =>
  notBeforeMs + ((notAfterMs - notBeforeMs) * 2) / 3;

async function requestUntilHad({ requestKeys, pause, signal, log }: KeysPorts): Promise<Keys | undefined> {
  for (let failures = 1; !signal.aborted; failures += 1) {
    try {
      const keys = await requestKeys();
      log.info({ notAfter: new Date(keys.notAfterMs) }, 'keys signed');
      return keys;
    } catch (error) {
      log.warn({ error: (error as Error).message, failures }, 'keys not signed, will try again');
      await pause(failures);
    }
  }
  return undefined;
}

function sleepUntil(timeMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, Math.min(Math.max(0, timeMs - Date.now()), maxTimerMs), undefined);
  signal.addEventListener('abort', () => {
    resolve(undefined);
  });
  return promise.finally(() => {
    clearTimeout(timer);
  });
}

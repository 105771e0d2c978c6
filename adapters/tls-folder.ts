/** What a server serves with: a mounted kubernetes.io/tls Secret, followed when it changes. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tlsReloadMs } from '../api/limits/http.ts';
import type { Log } from './log.ts';

/** PEM, by the names of `node:tls`. */
export interface ServedPair {
  readonly cert: string;
  readonly key: string;
}

/** Milliseconds since the epoch. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface TlsFolder {
  readonly current: () => ServedPair;
  /** Of the certificate that is served now. */
  readonly validity: () => Validity;
  /** Hands over each later pair. One that `use` throws at is not current, and the one before goes on being served. */
  readonly follow: (use: (pair: ServedPair) => void) => void;
  readonly close: () => void;
}

/** @throws {Error} when the folder has no `tls.crt` and `tls.key`, or no certificate in them. */
export async function openTlsFolder(folder: string, log: Log): Promise<TlsFolder> {
  let lastRead = await readPair(folder);
  let served = withValidity(lastRead);
  let use: (pair: ServedPair) => void = () => undefined;
  const reload = async (): Promise<void> => {
    try {
      const next = await readPair(folder);
      if (next.cert === lastRead.cert && next.key === lastRead.key) return;
      lastRead = next;
      const read = withValidity(next);
      use(next);
      served = read;
      log.info('certificate reloaded');
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'certificate not reloaded');
    }
  };
  const timer = setInterval(() => void reload(), tlsReloadMs).unref();
  return {
    current: () => served.pair,
    validity: () => served.validity,
    follow: (next) => {
      use = next;
    },
    close: () => {
      clearInterval(timer);
    },
  };
}

async function readPair(folder: string): Promise<ServedPair> {
  const [cert, key] = await Promise.all([
    readFile(join(folder, 'tls.crt'), 'utf8'),
    readFile(join(folder, 'tls.key'), 'utf8'),
  ]);
  return { cert, key };
}

function withValidity(pair: ServedPair): { readonly pair: ServedPair; readonly validity: Validity } {
  const { validFromDate, validToDate } = new X509Certificate(pair.cert);
  return { pair, validity: { notBefore: validFromDate.getTime(), notAfter: validToDate.getTime() } };
}

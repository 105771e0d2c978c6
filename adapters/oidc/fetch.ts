/**
 * Documents of issuers that strangers chose: to a public address that was checked, by TLS, once, and not for long.
 *
 * The address is checked by whom the connection is made with, so a name that resolves to another address a moment later
 * changes nothing. There is no proxy, no redirect, no connection that is kept.
 */
import type { LookupAddress } from 'node:dns';
import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import { issuerTimeoutMs, maxIssuerDocumentBytes } from '../../api/limits/issuers.ts';
import { isPrivateAddress } from '../../core/oidc/address.ts';
import type { FetchFault } from '../../core/oidc/fetch-fault.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { createServerResolver, createSystemResolver, isLasting, type ResolveHost } from './resolve.ts';

export interface FetchOptions {
  /** PEM of CAs that vouch for private issuers, beside the public ones; read at each fetch. */
  readonly privateCaFile?: string | undefined;
  /** For all names; where it is absent, name servers for those of strangers, and this machine for private ones. */
  readonly resolve?: ResolveHost;
}

export type FetchDocument = (url: URL, mayBePrivate: boolean) => Promise<Result<string, FetchFault>>;

export function createFetch({ privateCaFile, resolve }: FetchOptions): FetchDocument {
  const resolveForStrangers = resolve ?? createServerResolver();
  const resolvePrivate = resolve ?? createSystemResolver();
  return async (url, mayBePrivate) => {
    // Resolving takes its time too, and a resolver may never answer.
    const signal = AbortSignal.timeout(issuerTimeoutMs);
    const resolveHost = mayBePrivate ? resolvePrivate : resolveForStrangers;
    const resolving = tryToResolve(url.hostname, (hostname) => resolveHost(hostname, signal));
    const found = await withDeadline(resolving, signal);
    if (found === 'timeout') return err('timeout');
    if (!found.ok) return found;
    if (!isFit(found.value, mayBePrivate)) return err('no_public_address');
    const ca = mayBePrivate ? await readCa(privateCaFile) : undefined;
    const sending = get(url, { lookup: pin(found.value), signal, ...(ca === undefined ? {} : { ca }) });
    // Whatever a server makes of the connection: nobody waits longer, or what waits for it would wait for ever.
    const answer = await withDeadline(sending, signal);
    return answer === 'timeout' ? err(answer) : answer;
  };
}

/** Not where a single one of them is not public: who mixes them means no good. */
const isFit = (addresses: readonly LookupAddress[], mayBePrivate: boolean): boolean =>
  addresses.length > 0 && (mayBePrivate || !addresses.some(({ address }) => isPrivateAddress(address)));

/** None where the name is not there. */
async function tryToResolve(
  hostname: string,
  resolve: (hostname: string) => Promise<readonly LookupAddress[]>,
): Promise<Result<readonly LookupAddress[], FetchFault>> {
  const literal = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(literal);
  if (family !== 0) return ok([{ address: literal, family }]);
  try {
    return ok(await resolve(hostname));
  } catch (error) {
    return isLasting(error) ? ok([]) : err('unreachable');
  }
}

async function withDeadline<T>(work: Promise<T>, signal: AbortSignal): Promise<T | 'timeout'> {
  const { promise, resolve } = Promise.withResolvers<'timeout'>();
  signal.addEventListener('abort', () => {
    resolve('timeout');
  });
  return await Promise.race([work, promise]);
}

const pin =
  (addresses: readonly LookupAddress[]): LookupFunction =>
  (_hostname, { all }, done) => {
    const [first] = addresses;
    if (all === true) done(null, [...addresses]);
    else done(null, first?.address ?? '', first?.family);
  };

async function readCa(file: string | undefined): Promise<readonly string[] | undefined> {
  if (file === undefined) return undefined;
  const pem = await readFile(file, 'utf8').catch(() => undefined);
  return pem === undefined ? undefined : [...rootCertificates, pem];
}

interface Sending {
  readonly lookup: LookupFunction;
  readonly signal: AbortSignal;
  readonly ca?: readonly string[];
}

function get(url: URL, { lookup, signal, ca }: Sending): Promise<Result<string, FetchFault>> {
  const { promise, resolve } = Promise.withResolvers<Result<string, FetchFault>>();
  const options: RequestOptions & { ca?: string[] } = {
    agent: false,
    lookup,
    signal,
    headers: { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'buildkit-controller' },
    ...(ca === undefined ? {} : { ca: [...ca] }),
  };
  const sent = (url.protocol === 'http:' ? httpRequest : httpsRequest)(url, options);
  sent.once('response', (answer) => {
    void read(answer)
      .then(resolve, (error: unknown) => {
        resolve(err(toFault(error, signal)));
      })
      .finally(() => sent.destroy());
  });
  sent.on('error', (error) => {
    resolve(err(toFault(error, signal)));
  });
  // Whoever answers by changing the protocol is left without a word.
  sent.once('upgrade', (_answer, socket) => {
    socket.destroy();
    resolve(err('status'));
  });
  sent.end();
  return promise;
}

async function read(answer: IncomingMessage): Promise<Result<string, FetchFault>> {
  const { statusCode = 0 } = answer;
  if (statusCode >= 300 && statusCode < 400) return err('redirect');
  if (statusCode !== 200) return err('status');
  if (Number(answer.headers['content-length'] ?? 0) > maxIssuerDocumentBytes) return err('too_large');
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxIssuerDocumentBytes) return err('too_large');
    chunks.push(chunk);
  }
  return ok(Buffer.concat(chunks).toString('utf8'));
}

function toFault(error: unknown, signal: AbortSignal): FetchFault {
  if (signal.aborted) return 'timeout';
  const { code = '' } = error as NodeJS.ErrnoException;
  return /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_|SELF_SIGNED|DEPTH_ZERO|EPROTO|HOSTNAME)/.test(code) ? 'tls' : 'unreachable';
}

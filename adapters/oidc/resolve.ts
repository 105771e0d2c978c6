/** Addresses of host names: those that strangers chose may keep nobody else's names waiting. */
import { BADNAME, lookup, NODATA, NOTFOUND, type LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { maxSystemLookups } from '../../api/limits/issuers.ts';

/**
 * All addresses of a host name. Rejects with a code of `node:dns` where there are none, or none can be had now, and where
 * nobody waits any more.
 */
export type ResolveHost = (hostname: string, signal: AbortSignal) => Promise<readonly LookupAddress[]>;

const lasting: ReadonlySet<unknown> = new Set([NOTFOUND, NODATA, BADNAME]);

/** Whether a resolver says for good that a name has no address; all else may pass by itself. */
export const isLasting = (error: unknown): boolean => lasting.has((error as NodeJS.ErrnoException).code);

/**
 * By asking name servers, those of this machine where none are given: it takes no thread, and ends with the signal. Names
 * are taken as they are: no search domain completes them, and no file of this machine.
 */
export const createServerResolver =
  (servers?: readonly string[]): ResolveHost =>
  async (hostname, signal) => {
    const resolver = new Resolver();
    if (servers !== undefined) resolver.setServers(servers);
    signal.addEventListener('abort', () => {
      resolver.cancel();
    });
    const answers = await Promise.allSettled([
      resolver.resolve4(hostname).then(toAddresses(4)),
      resolver.resolve6(hostname).then(toAddresses(6)),
    ]);
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (addresses.length > 0) return addresses;
    const errors = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Error] : []));
    // That there is no IPv6 address says nothing of the IPv4 address that could not be asked for.
    throw errors.find((error) => !isLasting(error)) ?? errors[0] ?? new Error('no address');
  };

const toAddresses =
  (family: 4 | 6) =>
  (addresses: readonly string[]): readonly LookupAddress[] =>
    addresses.map((address) => ({ address, family }));

/**
 * As this machine does for all its programs, so that names of a cluster or of this machine are found. A lookup that was
 * begun holds a thread until it ends, whoever waits: few are begun at once, and none that nobody waits for.
 */
export function createSystemResolver(lookUp = lookUpBySystem): ResolveHost {
  const waiting: (() => void)[] = [];
  let running = 0;
  const takeTurn = async (): Promise<void> => {
    if (running < maxSystemLookups) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const passTurn = (): void => {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  };
  return async (hostname, signal) => {
    await takeTurn();
    try {
      signal.throwIfAborted();
      return await lookUp(hostname);
    } finally {
      passTurn();
    }
  };
}

const lookUpBySystem = (hostname: string): Promise<readonly LookupAddress[]> =>
  new Promise((resolve, reject) => {
    lookup(hostname, { all: true, order: 'verbatim' }, (error, addresses) => {
      if (error === null) resolve(addresses);
      else reject(error);
    });
  });

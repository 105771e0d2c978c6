/** Merges calls that want the same work done. */

export interface MergeOptions<K, C> {
  readonly idOf: (key: K) => string;
  /** Whether a run that is over saw what the caller asks about, so that none is needed for it. */
  readonly isSettled?: (key: K, call: C) => boolean;
}

interface Caller<C> {
  readonly call: C;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * At most one run per key. Who calls while it runs waits for its end, and then for the next run, which is for all of
 * them: so a caller gets the outcome of a run that began after the call, or of one that saw as much.
 */
export function createMerge<K, C = void>(
  work: (key: K, calls: readonly C[]) => Promise<void>,
  { idOf, isSettled = () => false }: MergeOptions<K, C>,
): (key: K, call: C) => Promise<void> {
  /** Who came since the run of the key began. */
  const waiting = new Map<string, Caller<C>[]>();

  async function run(key: K, callers: readonly Caller<C>[]): Promise<void> {
    const later: Caller<C>[] = [];
    waiting.set(idOf(key), later);
    try {
      await work(
        key,
        callers.map(({ call }) => call),
      );
      for (const { resolve } of callers) resolve();
    } catch (error) {
      for (const { reject } of callers) reject(error);
    }
    const { settled = [], left } = Object.groupBy(later, ({ call }) => (isSettled(key, call) ? 'settled' : 'left'));
    for (const { resolve } of settled) resolve();
    if (left === undefined) waiting.delete(idOf(key));
    else void run(key, left);
  }

  return (key, call) => {
    if (isSettled(key, call)) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const caller: Caller<C> = {
      call,
      resolve: () => {
        resolve(undefined);
      },
      reject,
    };
    const later = waiting.get(idOf(key));
    if (later === undefined) void run(key, [caller]);
    else later.push(caller);
    return promise;
  };
}

/** Merges calls that want the same work done. */

export interface MergeOptions<K, C> {
  readonly idOf: (key: K) => string;
  /** Whether a run that has ended saw what the call is about, so that none is needed for it. */
  readonly isCovered?: (key: K, call: C) => boolean;
}

interface Caller<C, R> {
  readonly call: C;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * At most one run per key. Who calls while it runs waits for its end, and then for the next run, which is for all of
 * them: so a caller gets the result of a run that began after the call, or of one that saw as much.
 */
export function createMerge<K, C = void, R = void>(
  work: (key: K, calls: readonly C[]) => Promise<R>,
  { idOf, isCovered = () => false }: MergeOptions<K, C>,
): (key: K, call: C) => Promise<R> {
  /** Who came since the run of the key began. */
  const waiting = new Map<string, Caller<C, R>[]>();

  async function run(key: K, callers: readonly Caller<C, R>[]): Promise<void> {
    const later: Caller<C, R>[] = [];
    waiting.set(idOf(key), later);
    let left = later;
    try {
      const calls = callers.map(({ call }) => call);
      const result = await work(key, calls);
      for (const { resolve } of callers) resolve(result);
      const groups = Object.groupBy(later, ({ call }) => (isCovered(key, call) ? 'covered' : 'left'));
      for (const { resolve } of groups.covered ?? []) resolve(result);
      left = groups.left ?? [];
    } catch (error) {
      for (const { reject } of callers) reject(error);
    }
    if (left.length === 0) waiting.delete(idOf(key));
    else void run(key, left);
  }

  return (key, call) => {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const caller = { call, resolve, reject };
    const later = waiting.get(idOf(key));
    if (later === undefined) void run(key, [caller]);
    else later.push(caller);
    return promise;
  };
}

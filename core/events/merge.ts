/** Merges calls that want the same work done. */

/**
 * At most one run per key and one waiting behind it. A caller gets the outcome of a run that began after the call,
 * so whatever the caller saw before, that run sees too.
 */
export function createMerge<K>(work: (key: K) => Promise<void>, idOf: (key: K) => string): (key: K) => Promise<void> {
  const runs = new Map<string, { readonly running: Promise<void>; waiting?: Promise<void> }>();

  function begin(key: K): Promise<void> {
    const id = idOf(key);
    const entry = { running: work(key) };
    runs.set(id, entry);
    const forget = (): void => {
      if (runs.get(id) === entry) runs.delete(id);
    };
    entry.running.then(forget, forget);
    return entry.running;
  }

  return (key) => {
    const entry = runs.get(idOf(key));
    if (entry === undefined) return begin(key);
    const next = (): Promise<void> => begin(key);
    return (entry.waiting ??= entry.running.then(next, next));
  };
}

/**
 * Reads that requests share: a request may use any read that began after it arrived, and needs none of its own.
 *
 * So it sees what was true when it arrived or later, as it would by a read of its own, and of each key at most one read
 * is under way and one waiting, however many requests there are. No I/O. No clock.
 */
import { createMerge } from './merge.ts';

/** Position of a request in the sequence of arrivals and reads. */
export type Arrival = number;

/** A read on behalf of a request. */
export type SharedRead<K, V> = (arrival: Arrival, key: K) => Promise<V>;

export interface ReadSharing {
  readonly arrive: () => Arrival;
  /** `idOf` names all that decides the answer. The value is handed to many: nobody may change it. */
  readonly share: <K, V>(read: (key: K) => Promise<V>, idOf: (key: K) => string) => SharedRead<K, V>;
}

/** Does work as part of what the code that captured it works for. */
type Resume = <T>(work: () => T) => T;

/** `capture` binds a read to the first request that waits for it: to its trace, say. */
export function createReadSharing(capture: () => Resume = () => (work) => work()): ReadSharing {
  let sequence = 0;

  function share<K, V>(read: (key: K) => Promise<V>, idOf: (key: K) => string): SharedRead<K, V> {
    const underWay = new Map<string, { readonly began: number; readonly answer: Promise<V> }>();

    async function readOnce({ id, key }: { id: string; key: K }, [resume]: readonly Resume[]): Promise<V> {
      const began = (sequence += 1);
      try {
        const answer = resume === undefined ? read(key) : resume(() => read(key));
        underWay.set(id, { began, answer });
        return await answer;
      } finally {
        underWay.delete(id);
      }
    }

    const merged = createMerge<{ id: string; key: K }, Resume, V>(readOnce, { idOf: ({ id }) => id });
    return (arrival, key) => {
      const id = idOf(key);
      const current = underWay.get(id);
      return current !== undefined && current.began > arrival ? current.answer : merged({ id, key }, capture());
    };
  }

  return { arrive: () => (sequence += 1), share };
}

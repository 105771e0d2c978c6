/** Maps that keep the entries that were put last. No I/O. */

/** Puts the entry last, and evicts the first where there are more than `max`. */
export function putLast<K, V>(map: Map<K, V>, entry: readonly [K, V], max: number): void {
  map.delete(entry[0]);
  map.set(...entry);
  const [oldest] = map.keys();
  if (map.size > max && oldest !== undefined) map.delete(oldest);
}

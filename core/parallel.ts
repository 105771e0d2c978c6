/** Does work for every item, for at most `limit` of them at once. Begins no more after a failure, which it rejects with. */
export async function forEachAtOnce<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  // All lanes take from one generator: one that fails closes it for the others.
  const left = takeFrom(items);
  const lane = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, lane));
}

function* takeFrom<T>(items: Iterable<T>): Generator<T> {
  yield* items;
}

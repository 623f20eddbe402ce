/** Runs `body` for each item, at most `limit` at a time; rejects with the first error after all have ended. */
export async function forEachLimited<T>(
  items: Iterable<T>,
  limit: number,
  body: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  let failure: unknown;
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done && !failed; next = iterator.next()) {
      try {
        await body(next.value);
      } catch (error) {
        failed = true;
        failure = error;
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failed) throw failure;
}

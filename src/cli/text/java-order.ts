/** Sorts items as Java's HashMap iterates over them, because some of Kafka's tools print lists in that order. */

const tableSizeMin = 16;
const loadMax = 0.75;

/** Java's String.hashCode. */
function hashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

/** Returns the items in the order in which a HashMap iterates over them after they were inserted one by one. */
export function hashMapOrder<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  let size = tableSizeMin;
  while (items.length > size * loadMax) size *= 2;
  const slot = (item: T): number => {
    const hash = hashCode(keyOf(item));
    return (hash ^ (hash >>> 16)) & (size - 1);
  };
  // Items in the same slot of the HashMap keep the order of insertion, because `sort` is stable.
  return items
    .map((item) => ({ item, at: slot(item) }))
    .sort((left, right) => left.at - right.at)
    .map(({ item }) => item);
}

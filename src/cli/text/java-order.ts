/** The iteration order of Java's HashMap, in which some of Kafka's tools print lists. */

const tableSizeMin = 16;
const loadMax = 0.75;

/** String.hashCode. */
function hashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

/** Items in the order of a map into which they were inserted one after the other. */
export function hashMapOrder<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  let size = tableSizeMin;
  while (items.length > size * loadMax) size *= 2;
  const slot = (item: T): number => {
    const hash = hashCode(keyOf(item));
    return (hash ^ (hash >>> 16)) & (size - 1);
  };
  // The sort is stable: keys of one slot keep their order.
  return items
    .map((item) => ({ item, at: slot(item) }))
    .sort((left, right) => left.at - right.at)
    .map(({ item }) => item);
}

/** The order in which Java's HashMap goes through its keys, which is how some of Kafka's tools list what they print. */

const tableSizeMin = 16;
const loadMax = 0.75;

/** String.hashCode. */
function hashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

/** The keys of a map that they were put into one after the other. */
export function hashMapOrder<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  let size = tableSizeMin;
  while (items.length > size * loadMax) size *= 2;
  const slot = (item: T): number => {
    const hash = hashCode(keyOf(item));
    return (hash ^ (hash >>> 16)) & (size - 1);
  };
  // Stable: keys of one slot stay in the order in which they came.
  return items
    .map((item) => ({ item, at: slot(item) }))
    .sort((left, right) => left.at - right.at)
    .map(({ item }) => item);
}

/** Maps a key (group id, transactional id) to the partition of the internal topic whose leader is its coordinator. */

/**
 * Java's `String.hashCode`, made non-negative as Kafka does it (the minimum value becomes 0), modulo the number of partitions.
 */
export function coordinatorPartition(key: string, partitionCount: number): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  const positive = hash === -0x8000_0000 ? 0 : Math.abs(hash);
  return positive % partitionCount;
}

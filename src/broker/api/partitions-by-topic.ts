/**
 * How Kafka reads a list of topics with partitions in the APIs that it answers from a map of partitions (ListOffsets,
 * DeleteRecords, AlterReplicaLogDirs): a topic is answered once, each of its partitions once, and a topic without partitions
 * not at all. Other APIs answer each entry as it came.
 */

export interface NamedTopic<Partition> {
  readonly name: string;
  readonly partitions: readonly Partition[];
}

/** One entry for each topic, in the order of their first mention. Of a partition that is named twice the last mention counts. */
export function partitionsByTopic<Partition>(
  topics: readonly NamedTopic<Partition>[],
  indexOf: (partition: Partition) => number,
): NamedTopic<Partition>[] {
  const byTopic = new Map<string, Map<number, Partition>>();
  for (const { name, partitions } of topics) {
    for (const partition of partitions) {
      const known = byTopic.get(name) ?? new Map<number, Partition>();
      byTopic.set(name, known.set(indexOf(partition), partition));
    }
  }
  return [...byTopic].map(([name, partitions]) => ({ name, partitions: [...partitions.values()] }));
}

/**
 * Merges the topics of a request as Kafka does in the APIs whose response it builds from a map of partitions (ListOffsets,
 * DeleteRecords, AlterReplicaLogDirs): each topic and each partition has one result, and a topic without partitions has none. Other
 * APIs have one result for each entry of the request.
 */

export interface NamedTopic<Partition> {
  readonly name: string;
  readonly partitions: readonly Partition[];
}

/** One entry for each topic, in the order of first mention. When a partition is named twice, its last entry is used. */
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

/**
 * Merges the topics of a request: afterwards each topic and each partition occurs once, and a topic without partitions is left
 * out. Kafka does so in ListOffsets, DeleteRecords and AlterReplicaLogDirs; in other APIs the response has one result for each
 * entry of the request.
 */

export interface NamedTopic<Partition> {
  readonly name: string;
  readonly partitions: readonly Partition[];
}

/** One entry for each topic, in the order of the request. If a partition occurs twice, its last entry is used. */
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

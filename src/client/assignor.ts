/**
 * Range assignment, as Kafka's RangeAssignor: for each topic, the members in the order of their ids get consecutive partitions.
 */

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** The assignment by member id, from the members' topic lists and the partition count of each topic. */
export function assignRange(
  subscriptions: ReadonlyMap<string, readonly string[]>,
  partitionCounts: ReadonlyMap<string, number>,
): Map<string, TopicPartitions[]> {
  const assignment = new Map<string, TopicPartitions[]>(
    [...subscriptions.keys()].map((member) => [member, []]),
  );
  for (const [topic, partitionCount] of partitionCounts) {
    const members = [...subscriptions]
      .filter(([, topics]) => topics.includes(topic))
      .map(([member]) => member);
    members.sort();
    const each = Math.floor(partitionCount / members.length);
    const extra = partitionCount % members.length;
    let next = 0;
    members.forEach((member, position) => {
      const count = each + (position < extra ? 1 : 0);
      if (count > 0) {
        const partitions = Array.from({ length: count }, (_, step) => next + step);
        assignment.get(member)?.push({ topic, partitions });
      }
      next += count;
    });
  }
  return assignment;
}

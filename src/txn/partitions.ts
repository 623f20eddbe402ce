/** Immutable sets of topic partitions. They are immutable because a transition replaces the whole state of a transaction. */

/** Partitions by topic; a topic without a partition is left out. */
export type Partitions = ReadonlyMap<string, ReadonlySet<number>>;

export const noPartitions: Partitions = new Map();

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export function partitionsOf(topics: Iterable<TopicPartitions>): Partitions {
  const made = new Map<string, Set<number>>();
  for (const { topic, partitions } of topics) {
    let set = made.get(topic);
    if (set === undefined) made.set(topic, (set = new Set()));
    for (const partition of partitions) set.add(partition);
    if (set.size === 0) made.delete(topic);
  }
  return made;
}

export function listOf(partitions: Partitions): TopicPartitions[] {
  return [...partitions].map(([topic, set]) => ({ topic, partitions: [...set] }));
}

export function hasPartition(partitions: Partitions, topic: string, partition: number): boolean {
  return partitions.get(topic)?.has(partition) ?? false;
}

export function containsAll(partitions: Partitions, others: Partitions): boolean {
  for (const [topic, set] of others) {
    for (const partition of set) if (!hasPartition(partitions, topic, partition)) return false;
  }
  return true;
}

export function union(one: Partitions, other: Partitions): Partitions {
  const made = new Map(one);
  for (const [topic, set] of other) made.set(topic, new Set([...(one.get(topic) ?? []), ...set]));
  return made;
}

export function difference(one: Partitions, other: Partitions): Partitions {
  const made = new Map<string, ReadonlySet<number>>();
  for (const [topic, set] of one) {
    const gone = other.get(topic);
    const rest = gone === undefined ? set : new Set([...set].filter((partition) => !gone.has(partition)));
    if (rest.size > 0) made.set(topic, rest);
  }
  return made;
}

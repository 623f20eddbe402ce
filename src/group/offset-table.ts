/** The committed offsets of one group: topic → partition → offset. */
import type { Uuid } from '../base/uuid.ts';
import { uuidZero } from '../base/uuid.ts';

export interface CommittedOffset {
  readonly offset: number;
  /** -1: the client did not send it. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitMs: number;
  /** Expiry that the client requested (OffsetCommit before v5); -1: by the broker's rule. */
  readonly expireMs: number;
  /** The topic's id when the offset was committed; zero when the record has none: transactional commits, Kafka before 4.1. */
  readonly topicId: Uuid;
  /** Position of its record in the log, relative to those of other offsets of the shard. */
  readonly order: number;
}

export type GroupOffsets = Map<string, Map<number, CommittedOffset>>;

export function createOffsets(): GroupOffsets {
  return new Map();
}

export function setOffset(
  offsets: GroupOffsets,
  topic: string,
  partition: number,
  value: CommittedOffset,
): void {
  let partitions = offsets.get(topic);
  if (partitions === undefined) {
    partitions = new Map();
    offsets.set(topic, partitions);
  }
  partitions.set(partition, value);
}

export function removeOffset(offsets: GroupOffsets, topic: string, partition: number): void {
  const partitions = offsets.get(topic);
  if (partitions === undefined) return;
  partitions.delete(partition);
  if (partitions.size === 0) offsets.delete(topic);
}

/** Whether the offset belongs to the topic with this id. A zero id on either side matches every topic. */
export function isOfTopic({ topicId }: CommittedOffset, id: Uuid): boolean {
  return topicId === id || topicId === uuidZero || id === uuidZero;
}

/** The committed offsets of one group: topic → partition → offset. */
import type { Uuid } from '../base/uuid.ts';
import { uuidZero } from '../base/uuid.ts';

export interface CommittedOffset {
  readonly offset: number;
  /** -1: the client did not send it. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitMs: number;
  /**
   * The time at which the offset expires, if the client requested one (OffsetCommit before v5); -1: the broker's retention
   * applies.
   */
  readonly expireMs: number;
  /** The topic's id when the offset was committed. Zero when the record has no id: transactional commits, Kafka before 4.1. */
  readonly topicId: Uuid;
  /** The order of its record among the offset records of this shard's log; a higher number is later. */
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

/** Whether the offset was committed for the topic with this id. A zero id on either side matches every topic. */
export function isOfTopic({ topicId }: CommittedOffset, id: Uuid): boolean {
  return topicId === id || topicId === uuidZero || id === uuidZero;
}

/** A member's partitions while the `uniform` assignor computes the assignment. */
import type { Uuid } from '../../../base/uuid.ts';
import type { AssignorMember } from './assignor.ts';

export interface Share {
  readonly member: AssignorMember;
  readonly partitions: Map<Uuid, Set<number>>;
  size: number;
}

export interface TopicPartition {
  readonly topicId: Uuid;
  readonly partition: number;
}

export function give(share: Share, { topicId, partition }: TopicPartition): void {
  let partitions = share.partitions.get(topicId);
  if (partitions === undefined) {
    partitions = new Set();
    share.partitions.set(topicId, partitions);
  }
  partitions.add(partition);
  share.size++;
}

/**
 * DeleteGroups (42): deletes a group without members, with its offsets. From the decision until the tombstones are replicated
 * the group is `deleting`: requests to join it, or to commit or delete offsets, get a retriable error.
 */
import type { ErrorRow } from '../protocol/errors.ts';
import { Errors } from '../protocol/errors.ts';
import { tombstones } from './consumer/tombstones.ts';
import { groupTombstone, offsetTombstone } from './records.ts';
import type { Group, Turn } from './group-turn.ts';
import { reply, write } from './group-turn.ts';
import type { GroupRecord } from './types.ts';

export function deleteGroup(turn: Turn, token: number, groupId: string): void {
  const group = turn.shard.groups.get(groupId);
  const answer = (later: Turn, error: ErrorRow) => reply(later, token, { groupId, errorCode: error.code });
  if (group === undefined) return answer(turn, Errors.GROUP_ID_NOT_FOUND);
  if (group.state !== 'Empty') return answer(turn, Errors.NON_EMPTY_GROUP);
  // The tombstones would not cover what is in records that are in flight, so these records would create the group again.
  if (group.deleting || group.commits.size > 0 || isWriting(group))
    return answer(turn, Errors.COORDINATOR_NOT_AVAILABLE);
  buryGroup(turn, group, (later, error) => answer(later, error ?? Errors.NONE));
}

/** Whether records of a consumer group are being written. */
export function isWriting(group: Group): boolean {
  return group.kind === 'consumer' && group.batch !== null;
}

/**
 * Writes the tombstones of an empty group and of all its offsets, also pending ones. The group is removed when they are
 * replicated.
 */
export function buryGroup(
  turn: Turn,
  group: Group,
  answer: (later: Turn, error: ErrorRow | null) => void,
): void {
  const records: GroupRecord[] = [];
  for (const [topic, partitions] of group.offsets) {
    for (const partition of partitions.keys()) records.push(offsetTombstone(group.groupId, topic, partition));
  }
  const { pendingOffsets } = turn.shard;
  const pending = pendingOffsets.partitions(group.groupId);
  for (const { topic, partition } of pending) {
    if (group.offsets.get(topic)?.has(partition) !== true)
      records.push(offsetTombstone(group.groupId, topic, partition));
  }
  if (group.kind === 'consumer') records.push(...tombstones(group));
  else records.push(groupTombstone(group.groupId));
  if (group.kind === 'consumer') group.beginDeleting();
  else group.deleting = true;
  write(turn, records, {
    apply: () => {
      if (group.kind === 'classic') for (const id of group.pendingMembers.keys()) group.removePending(id);
      for (const { topic, partition } of pending) pendingOffsets.remove(group.groupId, topic, partition);
      group.offsets.clear();
      if (turn.shard.groups.get(group.groupId) === group) turn.shard.groups.delete(group.groupId);
    },
    undo: () => {
      group.deleting = false;
    },
    answer,
  });
}

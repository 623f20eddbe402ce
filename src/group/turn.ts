/** The state of a shard, and one step of it with its output so far; the functions of this folder read and extend it. */
import { defined } from '../base/assert.ts';
import type { Random } from '../base/random.ts';
import type { Uuid } from '../base/uuid.ts';
import type { PendingWrites, Turn as TurnOf } from '../coordinator/turn.ts';
import { ClassicGroup } from './classic/group.ts';
import type { ConsumerGroupOf } from './consumer/group.ts';
import type { Deadline, Deadlines } from './deadlines.ts';
import { removeOffset } from './offset-table.ts';
import type { PendingOffsets } from './pending-offsets.ts';
import type { GroupConfig } from './types.ts';

export { createTurn, note, reply, write } from '../coordinator/turn.ts';

export type ConsumerGroup = ConsumerGroupOf<Turn>;

/** A group id belongs to one group, whatever its type. A group may be converted to the other type. */
export type Group = ClassicGroup | ConsumerGroup;

/** Name of a deleted topic → its id. */
export type DeletedTopics = ReadonlyMap<string, Uuid>;

/** A sweep over all groups in slices: for expired offsets, or for offsets of deleted topics. */
export interface Sweep {
  readonly topics: DeletedTopics | null;
  readonly rest: Iterator<Group>;
}

export interface Shard extends PendingWrites<Turn> {
  readonly config: GroupConfig;
  readonly random: Random;
  readonly groups: Map<string, Group>;
  readonly deadlines: Deadlines;
  readonly sweeps: Sweep[];
  readonly sweepDeadline: Deadline;
  /** Time of the next sweep for expired offsets. */
  nextExpiryMs: number;
  /** Offset of the last metadata image with new topics, after which regular expressions may match more topics. */
  newTopicsAt: number;
  readonly pendingOffsets: PendingOffsets;
  /** The position for the next offset in the log. */
  nextOrder: number;
}

export type Turn = TurnOf<Shard>;

/** Returns the position for an offset whose record comes next in the log. */
export function orderOf(shard: Shard): number {
  return shard.nextOrder++;
}

/** The group for offsets; created without members if it does not exist ("simple" group). */
export function groupOfOffsets({ groups }: Shard, groupId: string): Group {
  let group = groups.get(groupId);
  if (group === undefined) {
    group = new ClassicGroup(groupId, -1);
    groups.set(groupId, group);
  }
  return group;
}

/** A tombstone is in the log: removes the offset and the pending offsets for the partition. */
export function forgetOffset(shard: Shard, group: Group, topic: string, partition: number): void {
  removeOffset(group.offsets, topic, partition);
  shard.pendingOffsets.remove(group.groupId, topic, partition);
}

export function getOrCreateGroup(turn: Turn, groupId: string): Group {
  const { groups } = turn.shard;
  if (!groups.has(groupId)) groups.set(groupId, new ClassicGroup(groupId, turn.wallMs));
  return defined(groups.get(groupId));
}

/**
 * The state of a shard and one step of it in the making: what the files of this folder read and add to.
 */
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

/** A group id belongs to one group, whatever its kind; groups become ones of another kind while they live. */
export type Group = ClassicGroup | ConsumerGroup;

/** Name → the id that the topic had. */
export type DeletedTopics = ReadonlyMap<string, Uuid>;

/** A walk over all groups, some at a time: for expired offsets, or for offsets of deleted topics. */
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
  /** When the next look for expired offsets is due. */
  nextExpiryMs: number;
  /** Offset of the last metadata image that had new topics: regular expressions may match more than they did. */
  newTopicsAt: number;
  readonly pendingOffsets: PendingOffsets;
  /** Of the next offset that the log brings. */
  nextOrder: number;
}

export type Turn = TurnOf<Shard>;

/** The place of an offset whose record comes next in the log. */
export function orderOf(shard: Shard): number {
  return shard.nextOrder++;
}

/** The group that offsets belong to; without members if there is none yet ("simple" group). */
export function groupOfOffsets({ groups }: Shard, groupId: string): Group {
  let group = groups.get(groupId);
  if (group === undefined) {
    group = new ClassicGroup(groupId, -1);
    groups.set(groupId, group);
  }
  return group;
}

/** A tombstone is in the log: the offset is gone, and so is what open transactions would commit for the partition. */
export function forgetOffset(shard: Shard, group: Group, topic: string, partition: number): void {
  removeOffset(group.offsets, topic, partition);
  shard.pendingOffsets.remove(group.groupId, topic, partition);
}

export function getOrCreateGroup(turn: Turn, groupId: string): Group {
  const { groups } = turn.shard;
  if (!groups.has(groupId)) groups.set(groupId, new ClassicGroup(groupId, turn.wallMs));
  return defined(groups.get(groupId));
}

/**
 * The state of a shard, and one step of it (a _turn_, see `coordinator/turn.ts`), which the functions of this folder read and
 * extend.
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

/** A group id belongs to one group of either type. The group can be converted to the other type. */
export type Group = ClassicGroup | ConsumerGroup;

/** Topic name → topic id, for topics that were deleted. */
export type DeletedTopics = ReadonlyMap<string, Uuid>;

/**
 * A sweep over groups (`sweep.ts`). `topics` null: it removes expired offsets; otherwise the offsets of these deleted topics.
 * `rest`: the groups that are left.
 */
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
  /**
   * Offset of the last metadata image in which a topic was created. A regular expression that was matched with an older image
   * may match more topics now.
   */
  newTopicsAt: number;
  readonly pendingOffsets: PendingOffsets;
  /** The number that the next offset gets as `CommittedOffset.order`. */
  nextOrder: number;
}

export type Turn = TurnOf<Shard>;

/** Returns the next `CommittedOffset.order`. Called once for each record, in the order of the log. */
export function orderOf(shard: Shard): number {
  return shard.nextOrder++;
}

/**
 * The group to which an offset belongs. If it does not exist, it is created without members (Kafka calls this a "simple"
 * group).
 */
export function groupOfOffsets({ groups }: Shard, groupId: string): Group {
  let group = groups.get(groupId);
  if (group === undefined) {
    group = new ClassicGroup(groupId, -1);
    groups.set(groupId, group);
  }
  return group;
}

/** Called when an offset's tombstone is in the log: removes the offset, and the pending offsets of its partition. */
export function forgetOffset(shard: Shard, group: Group, topic: string, partition: number): void {
  removeOffset(group.offsets, topic, partition);
  shard.pendingOffsets.remove(group.groupId, topic, partition);
}

export function getOrCreateGroup(turn: Turn, groupId: string): Group {
  const { groups } = turn.shard;
  if (!groups.has(groupId)) groups.set(groupId, new ClassicGroup(groupId, turn.wallMs));
  return defined(groups.get(groupId));
}

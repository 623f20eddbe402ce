/**
 * Removes offsets whose retention has passed, offsets of deleted topics, and groups that have neither members nor offsets. A
 * sweep goes over all groups of a shard, a slice at a time.
 *
 * When does the retention of an offset begin?
 * - In an empty classic group: when the group became empty, or at the commit if that time is not known.
 * - In a stable classic group of consumers, in a consumer group (KIP-848), and in a group that never had members: at the
 *   commit.
 *
 * In any other classic group with members no offset expires, and in no group does an offset of a topic to which a member
 * subscribes. An offset for which the client requested a time of expiry expires at that time instead.
 */
import { buryGroup, isWriting } from './delete-group.ts';
import { type CommittedOffset, isOfTopic } from './offset-table.ts';
import { offsetTombstone } from './records.ts';
import type { DeletedTopics, Group, Sweep, Turn } from './group-turn.ts';
import { forgetOffset, note, write } from './group-turn.ts';

/** One slice examines about this many offsets and groups. */
const sliceMax = 5_000;
/** One write has at most this many tombstones, so that its batch stays far below the maximum batch size. */
const tombstonesMax = 1_000;

interface Gone {
  readonly topic: string;
  readonly partition: number;
}

/** Begins to remove the offsets of the deleted `topics` from the given groups, by default from all groups. */
export function startSweep(
  turn: Turn,
  topics: DeletedTopics,
  groups: Iterator<Group> = turn.shard.groups.values(),
): void {
  const { shard } = turn;
  shard.sweeps.push({ topics, rest: groups });
  shard.deadlines.set(shard.sweepDeadline, turn.nowMs);
}

/** The sweep deadline has passed: continues the current sweep, or begins the periodic one. */
export function sweepSlice(turn: Turn): void {
  const { shard, nowMs } = turn;
  if (nowMs >= shard.nextExpiryMs) {
    shard.nextExpiryMs = nowMs + shard.config.offsetsRetentionCheckIntervalMs;
    shard.sweeps.push({ topics: null, rest: shard.groups.values() });
  }
  let budget = sliceMax;
  while (budget > 0) {
    const sweep = shard.sweeps[0];
    if (sweep === undefined) break;
    const { value: group, done } = sweep.rest.next();
    if (done === true) shard.sweeps.shift();
    else budget -= 1 + sweepGroup(turn, group, sweep);
  }
  shard.deadlines.set(shard.sweepDeadline, shard.sweeps.length > 0 ? nowMs : shard.nextExpiryMs);
}

/** Examines one group. Returns the number of its offsets that were examined. */
function sweepGroup(turn: Turn, group: Group, { topics }: Sweep): number {
  if (group.deleting) return 0;
  return topics === null ? sweepExpired(turn, group) : sweepDeleted(turn, group, topics);
}

function sweepExpired(turn: Turn, group: Group): number {
  // A commit in flight would renew an offset that is removed now. The next sweep examines the group.
  if (group.commits.size > 0) return 0;
  const { pendingOffsets } = turn.shard;
  const gone: Gone[] = [];
  let seen = 0;
  const isExpired = expiryOf(turn, group);
  for (const [topic, partitions] of group.offsets) {
    seen += partitions.size;
    if (isExpired === null || group.isSubscribedTo(topic)) continue;
    for (const [partition, value] of partitions)
      if (isExpired(value) && !pendingOffsets.has(group.groupId, topic, partition))
        gone.push({ topic, partition });
  }
  if (seen === gone.length && isIdle(group) && !pendingOffsets.hasAny(group.groupId))
    buryAll(turn, group, gone.length);
  else remove(turn, group, gone);
  return seen;
}

/**
 * Removes the offsets of deleted topics. Offsets that were committed for a new topic of the same name stay. Pending offsets of
 * open transactions have no topic id and are removed, as in Kafka.
 */
function sweepDeleted(turn: Turn, group: Group, topics: DeletedTopics): number {
  const gone: Gone[] = [];
  let seen = 0;
  for (const [topic, id] of topics) {
    const renewed = group.commits.partitionsOf(topic);
    if (renewed.size > 0) group.commits.skip(topic, id);
    const committed = group.offsets.get(topic);
    const partitions = new Set(turn.shard.pendingOffsets.partitionsOf(group.groupId, topic));
    for (const [partition, value] of committed ?? [])
      if (isOfTopic(value, id) && !renewed.has(partition)) partitions.add(partition);
    for (const partition of partitions) gone.push({ topic, partition });
    seen += 1 + (committed?.size ?? 0);
  }
  remove(turn, group, gone);
  return seen;
}

function isIdle(group: Group): boolean {
  if (group.kind === 'consumer') return group.members.size === 0 && !isWriting(group);
  return group.state === 'Empty' && group.pendingMembers.size === 0;
}

function buryAll(turn: Turn, group: Group, offsetCount: number): void {
  const isUnwritten =
    group.kind === 'consumer' ? group.epoch === 0 : group.persisted === null && group.generation === 0;
  // A group without a record in the log needs no tombstone.
  if (offsetCount === 0 && isUnwritten) {
    turn.shard.groups.delete(group.groupId);
    return;
  }
  note(turn, 'info', 'Group expired', { group: group.groupId, offsets: offsetCount });
  buryGroup(turn, group, () => undefined);
}

function remove(turn: Turn, group: Group, gone: readonly Gone[]): void {
  if (gone.length === 0) return;
  note(turn, 'info', 'Offsets removed', { group: group.groupId, offsets: gone.length });
  for (let i = 0; i < gone.length; i += tombstonesMax) {
    const part = gone.slice(i, i + tombstonesMax);
    write(
      turn,
      part.map(({ topic, partition }) => offsetTombstone(group.groupId, topic, partition)),
      {
        apply: () => {
          for (const { topic, partition } of part) forgetOffset(turn.shard, group, topic, partition);
        },
      },
    );
  }
}

/** Returns the test whether an offset of the group has expired; null when none of the group's offsets may expire now. */
function expiryOf(turn: Turn, group: Group): ((value: CommittedOffset) => boolean) | null {
  const { offsetsRetentionMs } = turn.shard.config;
  const since = (value: CommittedOffset, sinceMs: number) =>
    value.expireMs >= 0 ? turn.wallMs >= value.expireMs : turn.wallMs - sinceMs >= offsetsRetentionMs;
  // The log does not say when a consumer group became empty, so its retention counts from the commit.
  if (group.kind === 'consumer' || group.protocolType === null)
    return (value) => since(value, value.commitMs);
  if (group.state === 'Empty') {
    const emptyMs = group.stateSinceMs;
    return (value) => since(value, emptyMs >= 0 ? emptyMs : value.commitMs);
  }
  const knowsTopics = group.protocolType === 'consumer' && group.subscribedTopics !== null;
  return group.state === 'Stable' && knowsTopics ? (value) => since(value, value.commitMs) : null;
}

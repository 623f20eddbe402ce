/**
 * Walks over all groups of a shard, a slice at a time, to remove what is no longer needed: offsets past their retention, offsets of
 * deleted topics, and groups that have neither members nor offsets.
 *
 * Retention counts from when the group became empty; in a stable group of consumers from the commit, for topics that no
 * member reads any more; in a consumer group (KIP-848), and in one that only ever held offsets, always from the commit.
 */
import { buryGroup, isWriting } from './delete-group.ts';
import type { CommittedOffset } from './offset-table.ts';
import { offsetTombstone } from './records.ts';
import type { Group, Sweep, Turn } from './turn.ts';
import { forgetOffset, note, write } from './turn.ts';

/** Offsets (and groups) looked at in one slice. */
const sliceMax = 5_000;
/** Tombstones in one write: keeps a record batch far below any size limit. */
const tombstonesMax = 1_000;

export function startSweep(turn: Turn, sweep: { readonly topics: ReadonlySet<string> | null }): void {
  const { shard } = turn;
  shard.sweeps.push({ topics: sweep.topics, rest: shard.groups.values() });
  shard.deadlines.set(shard.sweepDeadline, turn.nowMs);
}

/** Called when the sweep deadline has come: goes on with what was begun, or begins the periodic one. */
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

/** Returns how many offsets it looked at. */
function sweepGroup(turn: Turn, group: Group, sweep: Sweep): number {
  // A commit under way renews the offset; the next sweep sees it.
  if (group.deleting || (group.pendingCommits > 0 && sweep.topics === null)) return 0;
  const { pendingOffsets } = turn.shard;
  const gone: { topic: string; partition: number }[] = [];
  let seen = 0;
  const isExpired = sweep.topics === null ? expiryOf(turn, group) : null;
  for (const [topic, partitions] of group.offsets) {
    if (sweep.topics !== null ? !sweep.topics.has(topic) : group.isSubscribedTo(topic)) {
      seen += sweep.topics === null ? partitions.size : 1;
      continue;
    }
    for (const [partition, value] of partitions) {
      seen++;
      const isPending = (): boolean => pendingOffsets.has(group.groupId, topic, partition);
      if (isExpired === null ? sweep.topics !== null : isExpired(value) && !isPending())
        gone.push({ topic, partition });
    }
  }
  if (sweep.topics !== null) gone.push(...pendingOf(turn, group, sweep.topics));
  let left = -gone.length;
  for (const partitions of group.offsets.values()) left += partitions.size;
  if (left === 0 && sweep.topics === null && isIdle(group) && !pendingOffsets.hasAny(group.groupId))
    buryAll(turn, group, gone.length);
  else if (gone.length > 0) remove(turn, group, gone);
  return seen;
}

/** Partitions of deleted topics that only an open transaction has offsets for. */
function pendingOf(turn: Turn, group: Group, topics: ReadonlySet<string>) {
  const pending = turn.shard.pendingOffsets.partitions(group.groupId);
  return pending.filter(
    ({ topic, partition }) => topics.has(topic) && group.offsets.get(topic)?.has(partition) !== true,
  );
}

function isIdle(group: Group): boolean {
  if (group.kind === 'consumer') return group.members.size === 0 && !isWriting(group);
  return group.state === 'Empty' && group.pendingMembers.size === 0;
}

function buryAll(turn: Turn, group: Group, offsetCount: number): void {
  const isUnwritten =
    group.kind === 'consumer' ? group.epoch === 0 : group.persisted === null && group.generation === 0;
  // Nothing of it was ever written: nothing to write now.
  if (offsetCount === 0 && isUnwritten) {
    turn.shard.groups.delete(group.groupId);
    return;
  }
  note(turn, 'info', 'Group expired', { group: group.groupId, offsets: offsetCount });
  buryGroup(turn, group, () => undefined);
}

function remove(
  turn: Turn,
  group: Group,
  gone: readonly { readonly topic: string; readonly partition: number }[],
): void {
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

/** The rule that holds for the group now; null: nothing of it expires. */
function expiryOf(turn: Turn, group: Group): ((value: CommittedOffset) => boolean) | null {
  const { offsetsRetentionMs } = turn.shard.config;
  const since = (value: CommittedOffset, sinceMs: number) =>
    value.expireMs >= 0 ? turn.wallMs >= value.expireMs : turn.wallMs - sinceMs >= offsetsRetentionMs;
  // A consumer group has no record of when it became empty.
  if (group.kind === 'consumer' || group.protocolType === null)
    return (value) => since(value, value.commitMs);
  if (group.state === 'Empty') {
    const emptyMs = group.stateSinceMs;
    return (value) => since(value, emptyMs >= 0 ? emptyMs : value.commitMs);
  }
  const knowsTopics = group.protocolType === 'consumer' && group.subscribedTopics !== null;
  return group.state === 'Stable' && knowsTopics ? (value) => since(value, value.commitMs) : null;
}

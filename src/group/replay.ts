/**
 * Loading of a shard: the records of its partition are replayed one by one; then `finishLoading` starts the timers. The
 * resulting state equals the state of the coordinator that wrote the log, except for what is never written: a rebalance in
 * progress (its members join again), sessions (all restart), and member ids that were returned to clients but not used yet.
 */
import { Deadline } from './deadlines.ts';
import { ClassicGroup } from './classic/group.ts';
import { prepare, renewSession } from './classic/rebalance.ts';
import { ownBytes } from './bytes.ts';
import type { Change } from './consumer/changes.ts';
import { ConsumerGroupOf } from './consumer/group.ts';
import { memberStates } from './consumer/member.ts';
import { readChange } from './consumer/records.ts';
import { renewSession as renewConsumerSession, startRebalanceTimer } from './consumer/timers.ts';
import { type Producer, UnknownRecordTypeError } from '../coordinator/types.ts';
import { createOffsets, removeOffset, setOffset } from './offset-table.ts';
import type { ReadRecord } from './records.ts';
import { readRecord } from './records.ts';
import type { ConsumerGroup, Group, Shard, Turn } from './group-turn.ts';
import { groupOfOffsets, note, orderOf } from './group-turn.ts';
import type { GroupRecord } from './types.ts';

type GroupValue = NonNullable<Extract<ReadRecord, { type: 'group' }>['value']>;

/**
 * Replays one record. An offset that was committed in a transaction stays pending until the marker of the transaction. Throws
 * `DecodeError` for a record in an unknown format, `UnknownRecordTypeError` for one of an unknown type.
 */
export function replayFrom(shard: Shard, record: GroupRecord, producer: Producer | null): void {
  if (producer === null) return replay(shard, record);
  const read = readRecord(record);
  // A transaction writes nothing but offsets. As in Kafka, any other record takes effect at once.
  if (read.type !== 'offset' || read.value === null) return replay(shard, record);
  const { group: groupId, topic, partition, value } = read;
  groupOfOffsets(shard, groupId);
  const offsets = createOffsets();
  setOffset(offsets, topic, partition, { ...value, order: orderOf(shard) });
  shard.pendingOffsets.add(producer.producerId, groupId, offsets);
}

/**
 * Replays a record that belongs to no transaction. Throws `DecodeError` for an unknown format, and `UnknownRecordTypeError` for
 * an unknown type. The caller decides whether loading continues.
 */
export function replay(shard: Shard, record: GroupRecord): void {
  const read = readRecord(record);
  if (read.type === 'unknown') {
    const found = readChange(record);
    if (found === null) throw new UnknownRecordTypeError(read.keyType);
    replayChange(shard, found.groupId, found.change);
    return;
  }
  if (read.type === 'group') return replayGroup(shard, read.group, read.value, record.value);
  const { group: groupId, topic, partition, value } = read;
  const group = shard.groups.get(groupId);
  if (value === null) {
    if (group !== undefined) removeOffset(group.offsets, topic, partition);
    shard.pendingOffsets.remove(groupId, topic, partition);
    return;
  }
  setOffset(groupOfOffsets(shard, groupId).offsets, topic, partition, { ...value, order: orderOf(shard) });
}

function replayGroup(
  shard: Shard,
  groupId: string,
  value: GroupValue | null,
  bytes: Uint8Array | null,
): void {
  const before = shard.groups.get(groupId);
  if (value === null || bytes === null) {
    // The tombstone is that of a classic group. A consumer group with this id stays: the classic group was converted to it.
    if (before?.kind !== 'consumer') forget(shard, groupId);
    return;
  }
  const group = new ClassicGroup(groupId, value.currentStateTimestamp, before?.offsets);
  shard.groups.set(groupId, group);
  for (const member of value.members) addMember(group, value, member);
  group.protocolType = value.protocolType === '' ? null : value.protocolType;
  group.protocolName = value.protocol;
  if (value.leader !== null && group.members.has(value.leader)) group.leaderId = value.leader;
  group.generation = value.generation;
  group.persisted = ownBytes(bytes);
  group.state = value.members.length > 0 ? 'Stable' : 'Empty';
  group.computeSubscribedTopics();
}

/** The group was deleted. Offsets that have no tombstone of their own stay. */
function forget(shard: Shard, groupId: string): void {
  const before = shard.groups.get(groupId);
  shard.groups.delete(groupId);
  if (before !== undefined && before.offsets.size > 0)
    shard.groups.set(groupId, new ClassicGroup(groupId, -1, before.offsets));
}

function replayChange(shard: Shard, groupId: string, change: Change): void {
  const before = shard.groups.get(groupId);
  if (before?.kind === 'consumer') {
    before.apply(change);
    if (change.type === 'groupEpoch' && change.value === null) forget(shard, groupId);
    return;
  }
  // These are tombstones of a consumer group that was converted to a classic group.
  if (change.value === null) return;
  const group = new ConsumerGroupOf<Turn>(groupId, before?.offsets);
  shard.groups.set(groupId, group);
  group.apply(change);
}

function addMember(group: ClassicGroup, value: GroupValue, member: GroupValue['members'][number]): void {
  group.add(
    {
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeout < 0 ? member.sessionTimeout : member.rebalanceTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      protocols: [{ name: value.protocol ?? '', metadata: ownBytes(member.subscription) }],
      assignment: ownBytes(member.assignment),
      isNew: false,
      joinToken: null,
      syncToken: null,
      session: new Deadline('session', group.groupId, member.memberId),
    },
    value.protocolType,
  );
}

/**
 * Starts the sessions of the members, and the time in which members of a consumer group must revoke partitions. A classic group
 * with more members than the configured maximum starts a rebalance.
 */
export function finishLoading(turn: Turn, group: Group): void {
  if (group.kind === 'consumer') return finishLoadingConsumer(turn, group);
  for (const member of group.members.values()) renewSession(turn, member);
  if (group.members.size <= turn.shard.config.maxSize) return;
  note(turn, 'warn', 'Loaded group has more members than group.max.size; it must rebalance', {
    group: group.groupId,
    members: group.members.size,
  });
  prepare(turn, group, 'freshly-loaded group is over capacity');
}

function finishLoadingConsumer(turn: Turn, group: ConsumerGroup): void {
  for (const member of group.members.values()) {
    renewConsumerSession(turn, group, member);
    const { metadata, current } = member;
    if (metadata.classic === null && current.state === memberStates.unrevoked)
      startRebalanceTimer(turn, group, member);
  }
}

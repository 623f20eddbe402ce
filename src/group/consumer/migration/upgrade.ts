/**
 * Finds the consumer group for a heartbeat: an existing one, a new one, or a classic group that is converted now (KIP-848,
 * online upgrade).
 */
import { mark } from '../../../base/mark.ts';
import { Errors, KafkaError } from '../../../protocol/errors.ts';
import type { ClassicGroup, Member } from '../../classic/group.ts';
import { metadataOf, noBytes, takeSync } from '../../classic/group.ts';
import { answerWaiting, prepare, renewSession as renewClassicSession } from '../../classic/rebalance.ts';
import { groupTombstone } from '../../records.ts';
import type { ConsumerGroup, Turn } from '../../group-turn.ts';
import { note } from '../../group-turn.ts';
import type { Batch } from '../request-batch.ts';
import { change } from '../request-batch.ts';
import type { Subscription } from './embedded.ts';
import { readAssignment, readSubscription } from './embedded.ts';
import { ConsumerGroupOf, noTarget } from '../group.ts';
import { metadataHash } from '../metadata-hash.ts';
import type { CurrentAssignment, MemberMetadata } from '../member.ts';
import { memberStates, noPartitions } from '../member.ts';
import { renewSession } from '../timers.ts';

export interface Entry {
  readonly group: ConsumerGroup;
  /** Adds the group to the shard. The operation on the group must call it first. */
  readonly enter: (batch: Batch) => void;
}

/**
 * `joins`: whether the heartbeat may create the group, or convert a classic group. If it may not, throws GROUP_ID_NOT_FOUND
 * when the group does not exist and, as in Kafka, when it is of another type.
 */
export function consumerGroupFor(turn: Turn, groupId: string, joins: boolean): Entry {
  const { groups } = turn.shard;
  const existing = groups.get(groupId);
  if (existing?.kind === 'consumer') return { group: existing, enter: () => undefined };
  if (!joins) {
    throw notFound(
      existing === undefined
        ? `Consumer group ${groupId} not found.`
        : `Group ${groupId} is not a consumer group.`,
    );
  }
  if (existing?.deleting) throw new KafkaError(Errors.COORDINATOR_NOT_AVAILABLE);
  const group = new ConsumerGroupOf<Turn>(groupId, existing?.offsets);
  if (existing === undefined) return { group, enter: () => groups.set(groupId, group) };
  group.commits = existing.commits;
  const convert = existing.state === 'Empty' ? null : planUpgrade(turn, existing);
  return {
    group,
    enter: (batch) => {
      const { state } = existing;
      groups.set(groupId, group);
      batch.undo.push((later) => restore(later, existing, state));
      existing.transition('Dead', turn.wallMs);
      if (existing.persisted !== null) batch.records.push(groupTombstone(groupId));
      convert?.(group, batch);
      note(turn, 'info', 'Converted the classic group to a consumer group', { group: groupId });
    },
  };
}

function notFound(message: string): KafkaError {
  return new KafkaError(Errors.GROUP_ID_NOT_FOUND, message);
}

/** The write of the conversion failed: restores the classic group. Its members join again. */
function restore(turn: Turn, classic: ClassicGroup, state: ClassicGroup['state']): void {
  turn.shard.groups.set(classic.groupId, classic);
  classic.transition(state === 'Empty' ? 'Empty' : 'Stable', turn.wallMs);
  if (state === 'Empty') return;
  for (const member of classic.members.values()) renewClassicSession(turn, member);
  prepare(turn, classic, 'the upgrade to a consumer group failed');
}

interface Upgraded {
  readonly memberId: string;
  readonly metadata: MemberMetadata;
  readonly current: CurrentAssignment;
  readonly target: typeof noTarget;
}

/** Checks whether the classic group can be converted, and returns the function that converts it. Throws when it cannot. */
function planUpgrade(turn: Turn, classic: ClassicGroup): (group: ConsumerGroup, batch: Batch) => void {
  const refuse = (why: string) =>
    notFound(`Cannot upgrade classic group ${classic.groupId} to consumer group because ${why}.`);
  const { migrationPolicy, maxSize } = turn.shard.config.consumer;
  if (migrationPolicy !== 'bidirectional' && migrationPolicy !== 'upgrade')
    throw refuse('online upgrade is disabled');
  if (classic.protocolType !== 'consumer')
    throw refuse('the group does not use the consumer embedded protocol');
  if (classic.members.size > maxSize) throw refuse('the group size exceeds the consumer group maximum size');
  const members = [...classic.members.values()].map((member) => upgradeMember(turn, classic, member, refuse));
  // If a rebalance is in progress, members may have given up partitions already, so their last assignments are not valid. A
  // hash of 0 differs from that of the topics, so the next heartbeat increments the group epoch and a new assignment is
  // computed.
  const isAssigned = classic.state === 'Stable';
  return (group, batch) => {
    if (!isAssigned) mark('group.upgraded-in-a-rebalance');
    for (const member of classic.members.values()) {
      const waiting = { joinToken: classic.takeJoin(member), syncToken: takeSync(member) };
      answerWaiting(turn, member.memberId, waiting, Errors.REBALANCE_IN_PROGRESS);
    }
    for (const { memberId, metadata } of members)
      change(batch, group, { type: 'member', memberId, value: metadata });
    const epoch = classic.generation;
    const hash = isAssigned ? metadataHash(group.subscribedTopics(), turn.image.topics) : 0;
    change(batch, group, { type: 'groupEpoch', value: { epoch, metadataHash: hash } });
    for (const { memberId, target } of members)
      change(batch, group, { type: 'target', memberId, value: target });
    change(batch, group, { type: 'targetEpoch', value: { epoch, timestampMs: 0 } });
    for (const { memberId, current } of members)
      change(batch, group, { type: 'current', memberId, value: current });
    for (const member of group.members.values()) renewSession(turn, group, member);
  };
}

function upgradeMember(
  turn: Turn,
  classic: ClassicGroup,
  member: Member,
  refuse: (why: string) => KafkaError,
): Upgraded {
  const { topics } = turn.image;
  // Before the first generation no protocol is selected, and no member has an assignment.
  const protocol = classic.protocolName ?? member.protocols[0]?.name ?? '';
  let subscription: Subscription;
  let target = noTarget;
  let hasUserData = false;
  try {
    subscription = readSubscription(metadataOf(member, protocol));
    if (member.assignment !== noBytes && member.assignment.length > 0)
      ({ partitions: target, hasUserData } = readAssignment(member.assignment, topics));
  } catch {
    throw refuse('the embedded consumer protocol is malformed');
  }
  if (hasUserData) {
    throw notFound(
      `Cannot upgrade classic group ${classic.groupId} to consumer group because an unsupported custom assignor is in use. ` +
        'Please refer to the documentation or switch to a default assignor before re-attempting the upgrade.',
    );
  }
  const epoch = classic.generation;
  return {
    memberId: member.memberId,
    target,
    metadata: {
      instanceId: member.groupInstanceId,
      rackId: subscription.rackId === '' ? null : subscription.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: [...new Set(subscription.topics)].sort(),
      subscribedTopicRegex: '',
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      serverAssignor: null,
      classic: { sessionTimeoutMs: member.sessionTimeoutMs, supportedProtocols: member.protocols },
    },
    current: {
      memberEpoch: epoch,
      previousMemberEpoch: epoch,
      state: memberStates.stable,
      assigned: new Map(
        [...target].map(([topicId, list]) => [topicId, new Map(list.map((partition) => [partition, epoch]))]),
      ),
      pendingRevocation: noPartitions,
    },
  };
}

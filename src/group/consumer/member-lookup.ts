/**
 * Finds the member that sent a request, and checks whether it may send it. Throws a `KafkaError` with the error of the
 * response.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { ConsumerGroup, Turn } from '../group-turn.ts';
import { note } from '../group-turn.ts';
import type { Batch } from './request-batch.ts';
import { change, retryWaitingForTarget } from './request-batch.ts';
import type { ConsumerMember, EpochedPartitions } from './member.ts';
import { joinEpoch, leaveStaticEpoch, newCurrent, newMetadata } from './member.ts';
import type { OwnedPartitions } from '../types.ts';

/** What a request says about its sender. */
export interface Sender {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly memberEpoch: number;
  readonly owned: OwnedPartitions | null;
  /** Whether the sender may become a member now. */
  readonly joins: boolean;
  readonly isClassic: boolean;
}

export function knownMember(group: ConsumerGroup, memberId: string): ConsumerMember {
  const member = group.members.get(memberId);
  if (member !== undefined) return member;
  throw new KafkaError(
    Errors.UNKNOWN_MEMBER_ID,
    `Member ${memberId} is not a member of group ${group.groupId}.`,
  );
}

/** Finds a static member. `memberId` null: the member that currently has the instance id. */
export function knownStaticMember(
  group: ConsumerGroup,
  instanceId: string,
  memberId: string | null,
): ConsumerMember {
  const current = group.staticMembers.get(instanceId);
  if (current === undefined)
    throw new KafkaError(Errors.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`);
  if (memberId === null || current === memberId) return knownMember(group, current);
  throw new KafkaError(
    Errors.FENCED_INSTANCE_ID,
    `Static member ${memberId} with instance id ${instanceId} was fenced by member ${current}.`,
  );
}

export function requireRoom(turn: Turn, group: ConsumerGroup, memberId: string): void {
  const { maxSize } = turn.shard.config.consumer;
  if (group.members.size < maxSize || group.members.has(memberId)) return;
  throw new KafkaError(
    Errors.GROUP_MAX_SIZE_REACHED,
    `The consumer group has reached its maximum capacity of ${maxSize} members.`,
  );
}

/**
 * The member that sent the request. A new member is not in the group yet, and has the initial epochs and metadata. A member
 * that joins again is in the group, and so is one that has replaced a static member.
 */
export function memberOf(turn: Turn, group: ConsumerGroup, batch: Batch, sender: Sender): ConsumerMember {
  return sender.instanceId === null
    ? dynamicMember(group, sender)
    : staticMember(turn, group, batch, sender, sender.instanceId);
}

function newMember(memberId: string): ConsumerMember {
  return { memberId, metadata: newMetadata, current: newCurrent };
}

function dynamicMember(group: ConsumerGroup, sender: Sender): ConsumerMember {
  const known = group.members.get(sender.memberId);
  if (known === undefined && sender.joins) return newMember(sender.memberId);
  const member = knownMember(group, sender.memberId);
  if (!sender.isClassic) requireEpoch(member, sender);
  return member;
}

function staticMember(
  turn: Turn,
  group: ConsumerGroup,
  batch: Batch,
  sender: Sender,
  instanceId: string,
): ConsumerMember {
  const { memberId } = sender;
  if (!sender.joins) {
    const member = knownStaticMember(group, instanceId, memberId);
    if (!sender.isClassic) requireEpoch(member, sender);
    return member;
  }
  const currentId = group.staticMembers.get(instanceId);
  const current = currentId === undefined ? undefined : group.members.get(currentId);
  if (current === undefined) return group.members.get(memberId) ?? newMember(memberId);
  const isBusy = current.metadata.classic === null && current.current.memberEpoch !== leaveStaticEpoch;
  if (!sender.isClassic && isBusy) {
    throw new KafkaError(
      Errors.UNRELEASED_INSTANCE_ID,
      `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by a member.`,
    );
  }
  return replaceMember(turn, group, batch, current, memberId);
}

/** A static member has returned with a new member id, which replaces the old one and inherits its partitions and its target. */
function replaceMember(
  turn: Turn,
  group: ConsumerGroup,
  batch: Batch,
  old: ConsumerMember,
  memberId: string,
): ConsumerMember {
  note(turn, 'info', 'Static member restarted and keeps its place with a new member id', {
    group: group.groupId,
    instance: old.metadata.instanceId,
    replaced: old.memberId,
    member: memberId,
  });
  const target = group.targetOf(old.memberId);
  const current = { ...old.current, memberEpoch: joinEpoch, previousMemberEpoch: joinEpoch };
  removeMember(group, batch, old.memberId);
  change(batch, group, { type: 'member', memberId, value: old.metadata });
  change(batch, group, { type: 'target', memberId, value: target });
  change(batch, group, { type: 'current', memberId, value: current });
  // A running computation of the target assignment would assign partitions to the old member id, so it is dropped.
  group.assigning = null;
  batch.applied.push((later) => retryWaitingForTarget(later, group));
  return knownMember(group, memberId);
}

/** Removes a member. Its partitions are free at once, because it has left, was replaced, or one of its deadlines has passed. */
export function removeMember(group: ConsumerGroup, batch: Batch, memberId: string): void {
  change(batch, group, { type: 'current', memberId, value: null });
  change(batch, group, { type: 'target', memberId, value: null });
  change(batch, group, { type: 'member', memberId, value: null });
  group.cancelTimers(memberId);
}

/**
 * Checks the epoch of a heartbeat. The previous epoch is accepted if the request lists owned partitions and all of them are
 * assigned to the member: then it did not get the response with the new epoch. Epoch 0 (the member joins) is always accepted:
 * such a member has revoked everything (KIP-848).
 */
function requireEpoch({ current }: ConsumerMember, { memberEpoch, owned }: Sender): void {
  if (memberEpoch === joinEpoch || memberEpoch === current.memberEpoch) return;
  const isBehind = memberEpoch < current.memberEpoch;
  if (isBehind && memberEpoch === current.previousMemberEpoch && ownsOnly(owned, current.assigned)) return;
  throw new KafkaError(
    Errors.FENCED_MEMBER_EPOCH,
    `The consumer group member has a ${isBehind ? 'smaller' : 'greater'} member epoch (${memberEpoch}) than the one known by the ` +
      `group coordinator (${current.memberEpoch}). The member must abandon all its partitions and rejoin.`,
  );
}

function ownsOnly(owned: OwnedPartitions | null, assigned: EpochedPartitions): boolean {
  if (owned === null) return false;
  return owned.every(({ topicId, partitions }) => {
    const mine = assigned.get(topicId);
    return mine !== undefined && partitions.every((partition) => mine.has(partition));
  });
}

/** Removes an expression from the state if no member subscribes to it any more. */
export function forgetRegex(group: ConsumerGroup, batch: Batch, regex: string): void {
  if (group.subscribersOfRegex(regex) === 0 && group.regexes.has(regex))
    change(batch, group, { type: 'regex', regex, value: null });
}

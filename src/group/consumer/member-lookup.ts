/** Finds the member that sent a request, and checks that it may. Throws the `KafkaError` of the response. */
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { ConsumerGroup, Turn } from '../turn.ts';
import { note } from '../turn.ts';
import type { Batch } from './batch.ts';
import { change, unpark } from './batch.ts';
import type { ConsumerMember, EpochedPartitions } from './member.ts';
import { joinEpoch, leaveStaticEpoch, newCurrent, newMetadata } from './member.ts';
import type { OwnedPartitions } from '../types.ts';

export interface Speaker {
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

/** `memberId` null: the member that currently has the instance id. */
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

/** The member that sent the request. A joining member is not in the group yet, unless it replaces a static member. */
export function memberOf(turn: Turn, group: ConsumerGroup, batch: Batch, speaker: Speaker): ConsumerMember {
  return speaker.instanceId === null
    ? dynamicMember(group, speaker)
    : staticMember(turn, group, batch, speaker, speaker.instanceId);
}

function newMember(memberId: string): ConsumerMember {
  return { memberId, metadata: newMetadata, current: newCurrent };
}

function dynamicMember(group: ConsumerGroup, speaker: Speaker): ConsumerMember {
  const known = group.members.get(speaker.memberId);
  if (known === undefined && speaker.joins) return newMember(speaker.memberId);
  const member = knownMember(group, speaker.memberId);
  if (!speaker.isClassic) requireEpoch(member, speaker);
  return member;
}

function staticMember(
  turn: Turn,
  group: ConsumerGroup,
  batch: Batch,
  speaker: Speaker,
  instanceId: string,
): ConsumerMember {
  const { memberId } = speaker;
  if (!speaker.joins) {
    const member = knownStaticMember(group, instanceId, memberId);
    if (!speaker.isClassic) requireEpoch(member, speaker);
    return member;
  }
  const currentId = group.staticMembers.get(instanceId);
  const current = currentId === undefined ? undefined : group.members.get(currentId);
  if (current === undefined) return group.members.get(memberId) ?? newMember(memberId);
  const isBusy = current.metadata.classic === null && current.current.memberEpoch !== leaveStaticEpoch;
  if (!speaker.isClassic && isBusy) {
    throw new KafkaError(
      Errors.UNRELEASED_INSTANCE_ID,
      `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by a member.`,
    );
  }
  return replaceMember(turn, group, batch, current, memberId);
}

/** A new member id takes the place of a static member, with its partitions and its target. */
function replaceMember(
  turn: Turn,
  group: ConsumerGroup,
  batch: Batch,
  old: ConsumerMember,
  memberId: string,
): ConsumerMember {
  note(turn, 'info', 'Static member came back and takes its place', {
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
  // An assignment in progress has the old id.
  group.assigning = null;
  batch.applied.push((later) => unpark(later, group));
  return knownMember(group, memberId);
}

/** The member's partitions are free at once, because it has reported that it owns none, or it counts as dead. */
export function removeMember(group: ConsumerGroup, batch: Batch, memberId: string): void {
  change(batch, group, { type: 'current', memberId, value: null });
  change(batch, group, { type: 'target', memberId, value: null });
  change(batch, group, { type: 'member', memberId, value: null });
  group.cancelTimers(memberId);
}

/**
 * The previous epoch is accepted when the member owns nothing beyond its assignment, because the response with the new epoch was
 * lost. A member that joins (epoch 0) is accepted in any state (KIP-848: it has revoked everything).
 */
function requireEpoch({ current }: ConsumerMember, { memberEpoch, owned }: Speaker): void {
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

/** Removes an expression to which no member subscribes any more. */
export function forgetRegex(group: ConsumerGroup, batch: Batch, regex: string): void {
  if (group.subscribersOfRegex(regex) === 0 && group.regexes.has(regex))
    change(batch, group, { type: 'regex', regex, value: null });
}

/**
 * Removal of members: because they leave (heartbeats with epoch -1 or -2), because a deadline passed, or by an administrator.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { ConsumerGroup, Turn } from '../group-turn.ts';
import { note } from '../group-turn.ts';
import type { Batch } from './request-batch.ts';
import { change, operate } from './request-batch.ts';
import { canDowngrade, downgrade } from './migration/downgrade.ts';
import { bumpEpoch } from './epoch.ts';
import { heartbeatRefused } from './responses.ts';
import { forgetRegex, knownMember, knownStaticMember, removeMember } from './member-lookup.ts';
import type { ConsumerMember } from './member.ts';
import { hasRegex, leaveStaticEpoch, noPartitions } from './member.ts';
import type { ConsumerHeartbeatResponse } from './requests.ts';
import type { ConsumerHeartbeatRequest } from '../types.ts';

/** A member leaves: it has sent a heartbeat with epoch -1, or -2 for a static member that leaves temporarily. */
export function leaveGroup(
  turn: Turn,
  token: number,
  request: ConsumerHeartbeatRequest,
  again: (turn: Turn) => void,
): void {
  const { groupId, memberId, instanceId, memberEpoch } = request;
  const group = turn.shard.groups.get(groupId);
  if (group?.kind !== 'consumer')
    throw new KafkaError(
      Errors.GROUP_ID_NOT_FOUND,
      group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`,
    );
  operate(turn, group, {
    token,
    refused: heartbeatRefused,
    again,
    run: (batch): ConsumerHeartbeatResponse => {
      const member =
        instanceId === null ? knownMember(group, memberId) : knownStaticMember(group, instanceId, memberId);
      if (instanceId !== null && memberEpoch === leaveStaticEpoch)
        leaveTemporarily(turn, group, batch, member);
      else removeMembers(turn, group, batch, [member.memberId], 'left the group');
      return {
        errorCode: Errors.NONE.code,
        errorMessage: null,
        memberId,
        memberEpoch,
        heartbeatIntervalMs: 0,
        assignment: null,
      };
    },
  });
}

/**
 * A static member leaves temporarily. It keeps its partitions until its session expires, and the group epoch does not change.
 */
function leaveTemporarily(
  turn: Turn,
  group: ConsumerGroup,
  batch: Batch,
  { memberId, current }: ConsumerMember,
): void {
  // The member will return with epoch 0 (`replaceMember`), so the epochs of its partitions are set back to 0 as well.
  const assigned = new Map(
    [...current.assigned].map(([topicId, partitions]) => [
      topicId,
      new Map([...partitions.keys()].map((partition) => [partition, 0])),
    ]),
  );
  const value = {
    ...current,
    memberEpoch: leaveStaticEpoch,
    assigned,
    pendingRevocation: noPartitions,
  };
  change(batch, group, { type: 'current', memberId, value });
  note(turn, 'info', 'Static member temporarily left the group', { group: group.groupId, member: memberId });
}

/** Removes the members. If all remaining members use the classic protocol, the group becomes a classic group. */
export function removeMembers(
  turn: Turn,
  group: ConsumerGroup,
  batch: Batch,
  memberIds: readonly string[],
  reason: string,
): void {
  if (memberIds.length === 0) return;
  note(turn, 'info', 'Members removed from the group', { group: group.groupId, members: memberIds, reason });
  if (canDowngrade(turn, group, new Set(memberIds)))
    return downgrade(turn, group, batch, { without: new Set(memberIds), rebalance: true });
  for (const memberId of memberIds) {
    const metadata = group.members.get(memberId)?.metadata;
    removeMember(group, batch, memberId);
    if (metadata !== undefined && hasRegex(metadata))
      forgetRegex(group, batch, metadata.subscribedTopicRegex ?? '');
  }
  bumpEpoch(turn, group, batch);
}

/** Removes a member one of whose deadlines has passed. */
export function expireMember(turn: Turn, group: ConsumerGroup, memberId: string, reason: string): void {
  operate(turn, group, {
    token: null,
    refused: () => null,
    again: (later) => {
      if (later.shard.groups.get(group.groupId) === group) expireMember(later, group, memberId, reason);
    },
    run: (batch) => {
      if (group.members.has(memberId)) removeMembers(turn, group, batch, [memberId], reason);
    },
  });
}

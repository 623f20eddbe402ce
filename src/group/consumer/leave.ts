/** Removal of members: by their own request (epochs -1 and -2), by a deadline, or by an administrator. */
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { ConsumerGroup, Turn } from '../turn.ts';
import { note } from '../turn.ts';
import type { Batch } from './batch.ts';
import { change, operate } from './batch.ts';
import { canDowngrade, downgrade } from './downgrade.ts';
import { bumpEpoch } from './epoch.ts';
import { heartbeatRefused } from './responses.ts';
import { forgetRegex, knownMember, knownStaticMember, removeMember } from './member-lookup.ts';
import type { ConsumerMember } from './member.ts';
import { hasRegex, leaveStaticEpoch, noPartitions } from './member.ts';
import type { ConsumerHeartbeatResponse } from './requests.ts';
import type { ConsumerHeartbeatRequest } from '../types.ts';

/** A heartbeat with which a member leaves. */
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
      if (instanceId !== null && memberEpoch === leaveStaticEpoch) goForAWhile(turn, group, batch, member);
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

/** A static member keeps its partitions until its session ends; the group epoch does not change. */
function goForAWhile(
  turn: Turn,
  group: ConsumerGroup,
  batch: Batch,
  { memberId, current }: ConsumerMember,
): void {
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

/** When only members of the classic protocol are left, the group becomes a classic one. */
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

/** A deadline of a member has passed. */
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

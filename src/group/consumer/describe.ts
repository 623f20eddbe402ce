/** The response to ConsumerGroupDescribe (69). Changes nothing. */
import type { TopicsImage } from '../../metadata/topics-image.ts';
import type { ErrorRow } from '../../protocol/errors.ts';
import { Errors } from '../../protocol/errors.ts';
import type { ConsumerGroup, Turn } from '../group-turn.ts';
import { reply } from '../group-turn.ts';
import type { Partitions } from './assignors/assignor.ts';
import { operate } from './request-batch.ts';
import type { ConsumerMember, EpochedPartitions } from './member.ts';
import { preferredAssignor } from './target.ts';

export interface DescribedAssignment {
  topicPartitions: { topicId: string; topicName: string; partitions: number[] }[];
}

export interface DescribedConsumerMember {
  memberId: string;
  instanceId: string | null;
  rackId: string | null;
  memberEpoch: number;
  clientId: string;
  clientHost: string;
  subscribedTopicNames: string[];
  subscribedTopicRegex: string | null;
  assignment: DescribedAssignment;
  targetAssignment: DescribedAssignment;
  memberType: number;
}

export interface DescribedConsumerGroup {
  errorCode: number;
  errorMessage: string | null;
  groupId: string;
  groupState: string;
  groupEpoch: number;
  assignmentEpoch: number;
  assignorName: string;
  members: DescribedConsumerMember[];
}

/** Responds when the writes of the group that are in flight are replicated, so that the response has only replicated state. */
export function describeLater(turn: Turn, token: number, groupId: string): void {
  const group = turn.shard.groups.get(groupId);
  const refused = (error: ErrorRow, message: string | null) =>
    consumerGroupNotDescribed(groupId, error.code, message);
  if (group?.kind !== 'consumer') {
    const message =
      group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`;
    return reply(turn, token, refused(Errors.GROUP_ID_NOT_FOUND, message));
  }
  operate(turn, group, {
    token,
    refused,
    again: (later) => describeLater(later, token, groupId),
    run: () => describeConsumerGroup(turn, group),
  });
}

function describeConsumerGroup(
  { shard, image: { topics } }: Turn,
  group: ConsumerGroup,
): DescribedConsumerGroup {
  return {
    errorCode: Errors.NONE.code,
    errorMessage: null,
    groupId: group.groupId,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.targetEpoch,
    assignorName: preferredAssignor({ shard }, group),
    members: [...group.members.values()].map((member) => describeMember(group, member, topics)),
  };
}

export function consumerGroupNotDescribed(
  groupId: string,
  errorCode: number,
  errorMessage: string | null,
): DescribedConsumerGroup {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  };
}

function describeMember(
  group: ConsumerGroup,
  { memberId, metadata, current }: ConsumerMember,
  topics: TopicsImage,
): DescribedConsumerMember {
  return {
    memberId,
    instanceId: metadata.instanceId,
    rackId: metadata.rackId,
    memberEpoch: current.memberEpoch,
    clientId: metadata.clientId,
    clientHost: metadata.clientHost,
    subscribedTopicNames: [...metadata.subscribedTopicNames],
    subscribedTopicRegex: metadata.subscribedTopicRegex,
    assignment: describePartitions(current.assigned, topics),
    targetAssignment: describePartitions(group.targetOf(memberId), topics),
    memberType: metadata.classic === null ? 1 : 0,
  };
}

/** Topics that were deleted are left out, because the response needs their names. */
function describePartitions(
  assignment: Partitions | EpochedPartitions,
  topics: TopicsImage,
): DescribedAssignment {
  const topicPartitions: DescribedAssignment['topicPartitions'] = [];
  for (const [topicId, partitions] of assignment) {
    const topicName = topics.byId(topicId)?.name;
    if (topicName === undefined) continue;
    const indexes =
      partitions instanceof Map ? [...partitions.keys()] : [...(partitions as readonly number[])];
    topicPartitions.push({ topicId, topicName, partitions: indexes });
  }
  return { topicPartitions };
}

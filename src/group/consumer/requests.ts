/** ConsumerGroupHeartbeat: the type of the response, and the validation of the request. */
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { ConsumerHeartbeatRequest, GroupConfig } from '../types.ts';
import { joinEpoch, leaveEpoch, leaveStaticEpoch } from './member.ts';

export interface ConsumerHeartbeatResponse {
  errorCode: number;
  errorMessage: string | null;
  memberId: string | null;
  memberEpoch: number;
  heartbeatIntervalMs: number;
  assignment: { topicPartitions: { topicId: string; partitions: number[] }[] } | null;
}

/** From this version on clients choose their member id themselves (KIP-1082). */
const ownMemberIdSince = 1;

/** Throws INVALID_REQUEST or UNSUPPORTED_ASSIGNOR, with Kafka's messages. */
export function validate(request: ConsumerHeartbeatRequest, apiVersion: number, config: GroupConfig): void {
  const { memberEpoch, memberId } = request;
  const isFirst = memberEpoch === joinEpoch;
  if (apiVersion >= ownMemberIdSince || !isFirst) requireText(memberId, "MemberId can't be empty.");
  requireText(request.groupId, "GroupId can't be empty.");
  requireText(request.instanceId, "InstanceId can't be empty.");
  requireText(request.rackId, "RackId can't be empty.");
  if (isFirst) validateFirst(request);
  else if (memberEpoch === leaveStaticEpoch) {
    if (request.instanceId === null) throw invalid("InstanceId can't be null.");
  } else if (memberEpoch < leaveEpoch) throw invalid('MemberEpoch is invalid.');
  const { assignors } = config.consumer;
  const { serverAssignor } = request;
  if (serverAssignor === null || assignors.includes(serverAssignor)) return;
  throw new KafkaError(
    Errors.UNSUPPORTED_ASSIGNOR,
    `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${assignors.join(', ')}.`,
  );
}

function validateFirst(request: ConsumerHeartbeatRequest): void {
  if (request.rebalanceTimeoutMs === -1)
    throw invalid('RebalanceTimeoutMs must be provided in first request.');
  if (request.topicPartitions === null || request.topicPartitions.length > 0)
    throw invalid('TopicPartitions must be empty when (re-)joining.');
  if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null)
    throw invalid('Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.');
}

/** Kafka trims these texts, so a text of blanks counts as empty. */
function requireText(text: string | null, message: string): void {
  if (text !== null && text.trim() === '') throw invalid(message);
}

function invalid(message: string): KafkaError {
  return new KafkaError(Errors.INVALID_REQUEST, message);
}

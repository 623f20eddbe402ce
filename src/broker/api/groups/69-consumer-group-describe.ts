/**
 * ConsumerGroupDescribe (69), v0–v1. Groups of the consumer protocol: their epochs and members, and the current and the target
 * assignment of each member.
 * Versions:  v1 which protocol (classic, consumer) a member uses.
 */
import { type ErrorRow, Errors, errorRowOf, KafkaError } from '../../../protocol/errors.ts';
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from '../../../protocol/messages/groups/69-consumer-group-describe.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import { consumerGroupNotDescribed } from '../../../group/consumer/describe.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { groupOperations, operationsNotAsked } from '../authorized-operations.ts';
import { defineHandler, type Handler } from '../../handler.ts';

type GroupResult = Init<typeof ConsumerGroupDescribeResponse>['groups'][number];

export function createConsumerGroupDescribeHandler(groups: GroupService): Handler {
  return defineHandler(ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, {
    versions: '0-1',
    listeners: ['broker'],
    async handle(request, { image }) {
      if (!groups.offersConsumerProtocol(image)) throw new KafkaError(Errors.UNSUPPORTED_VERSION);
      const operations = request.includeAuthorizedOperations ? groupOperations : operationsNotAsked;
      const described = request.groupIds.map((groupId) => describeOne(groups, groupId, operations));
      return { groups: await Promise.all(described) };
    },
    failed: (request, error) => ({ groups: request.groupIds.map((groupId) => failedGroup(groupId, error)) }),
  });
}

async function describeOne(groups: GroupService, groupId: string, operations: number): Promise<GroupResult> {
  try {
    const described = await groups.describeConsumer(groupId);
    const authorizedOperations = described.errorCode === 0 ? operations : operationsNotAsked;
    return { ...described, authorizedOperations };
  } catch (error) {
    return failedGroup(groupId, errorRowOf(error));
  }
}

function failedGroup(groupId: string, error: ErrorRow): GroupResult {
  return consumerGroupNotDescribed(groupId, error.code, null);
}

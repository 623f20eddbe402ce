/**
 * DescribeGroups (15), v0–v6. The state, members and assignments of classic groups; for stable groups also the protocol and the
 * members' metadata. A group of another type is described as one that does not exist.
 * Versions:  v3 authorised operations · v4 instance ids · v6 GROUP_ID_NOT_FOUND in addition to the state "Dead".
 */
import { type ErrorRow, errorRowOf } from '../../../protocol/errors.ts';
import {
  DescribeGroupsRequest,
  DescribeGroupsResponse,
} from '../../../protocol/messages/groups/15-describe-groups.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { groupOperations, operationsNotAsked } from '../authorized-operations.ts';
import { defineHandler, type Handler } from '../../handler.ts';

type GroupResult = Init<typeof DescribeGroupsResponse>['groups'][number];

const operationsSince = 3;

export function createDescribeGroupsHandler(groups: GroupService): Handler {
  return defineHandler(DescribeGroupsRequest, DescribeGroupsResponse, {
    versions: '0-6',
    listeners: ['broker'],
    handle(request, { apiVersion }) {
      const wantsOperations = request.includeAuthorizedOperations && apiVersion >= operationsSince;
      const operations = wantsOperations ? groupOperations : operationsNotAsked;
      return {
        groups: request.groups.map((groupId) => describeOne(groups, groupId, apiVersion, operations)),
      };
    },
    failed: (request, error) => ({ groups: request.groups.map((groupId) => failedGroup(groupId, error)) }),
  });
}

function describeOne(
  groups: GroupService,
  groupId: string,
  version: number,
  operations: number,
): GroupResult {
  try {
    const described = groups.describe(groupId, version);
    return {
      ...described,
      authorizedOperations: described.errorCode === 0 ? operations : operationsNotAsked,
    };
  } catch (error) {
    return failedGroup(groupId, errorRowOf(error));
  }
}

function failedGroup(groupId: string, error: ErrorRow): GroupResult {
  return { errorCode: error.code, groupId, groupState: '', protocolType: '', protocolData: '', members: [] };
}

/**
 * DescribeGroups (15), v0–v6. State, members and (of stable groups) metadata and assignments.
 * Versions:  v3 authorised operations · v4 instance ids · v6 GROUP_ID_NOT_FOUND where older ones say "Dead".
 */
import { type ErrorRow, errorRowOf } from '../../protocol/errors.ts';
import { DescribeGroupsRequest, DescribeGroupsResponse } from '../../protocol/messages/15-describe-groups.ts';
import type { Init } from '../../protocol/schema/fields.ts';
import type { GroupService } from '../groups/group-service.ts';
import { defineHandler, type Handler } from '../handler.ts';

type GroupResult = Init<typeof DescribeGroupsResponse>['groups'][number];

/** READ, DELETE, DESCRIBE and the two of configs, as bits: nobody is refused anything without an authoriser. */
const allOperations = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11);
const notAsked = -0x8000_0000;
const operationsSince = 3;

export function createDescribeGroupsHandler(groups: GroupService): Handler {
  return defineHandler(DescribeGroupsRequest, DescribeGroupsResponse, {
    versions: '0-6',
    listeners: ['broker'],
    handle(request, { apiVersion }) {
      const wantsOperations = request.includeAuthorizedOperations && apiVersion >= operationsSince;
      const operations = wantsOperations ? allOperations : notAsked;
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
    return { ...described, authorizedOperations: described.errorCode === 0 ? operations : notAsked };
  } catch (error) {
    return failedGroup(groupId, errorRowOf(error));
  }
}

function failedGroup(groupId: string, error: ErrorRow): GroupResult {
  return { errorCode: error.code, groupId, groupState: '', protocolType: '', protocolData: '', members: [] };
}

/**
 * LeaveGroup (13), v0–v5. The rules are in `group/classic/leave.ts`.
 * Versions:  v3 several members, static ones by instance id · v5 reasons. Before v3 a request has one member, whose error is
 *            the top-level error of the response.
 */
import type { LeaveResponse } from '../../../group/types.ts';
import { LeaveGroupRequest, LeaveGroupResponse } from '../../../protocol/messages/groups/13-leave-group.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { defineHandler, type Handler } from '../../handler.ts';

const membersSince = 3;

export function createLeaveGroupHandler(groups: GroupService): Handler {
  return defineHandler(LeaveGroupRequest, LeaveGroupResponse, {
    versions: '0-5',
    listeners: ['broker'],
    handle({ groupId, memberId, members }, { apiVersion }) {
      const one = [{ memberId, groupInstanceId: null, reason: null }];
      const left = groups.leave({ groupId, members: apiVersion < membersSince ? one : members });
      const finish = (response: LeaveResponse) => inVersion(response, apiVersion);
      return left instanceof Promise ? left.then(finish) : finish(left);
    },
  });
}

function inVersion(response: LeaveResponse, version: number): Init<typeof LeaveGroupResponse> {
  if (version >= membersSince) return response;
  return { errorCode: response.errorCode === 0 ? (response.members[0]?.errorCode ?? 0) : response.errorCode };
}

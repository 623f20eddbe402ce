/**
 * JoinGroup (11), v0–v9. The response waits until the rebalance of the group completes. The rules are in
 * `group/classic/join.ts`.
 * Versions:  v1 rebalance time-out · v4 MEMBER_ID_REQUIRED · v5 static members · v7 protocol type · v8 reason · v9
 *            skipAssignment.
 */
import type { JoinResponse } from '../../../group/types.ts';
import { JoinGroupRequest, JoinGroupResponse } from '../../../protocol/messages/groups/11-join-group.ts';
import type { Init } from '../../../protocol/schema/fields.ts';
import type { GroupService } from '../../groups/group-service.ts';
import { defineHandler, type Handler } from '../../handler.ts';
import { callerOf } from './group-caller.ts';

const nullProtocolSince = 7;

export function createJoinGroupHandler(groups: GroupService): Handler {
  return defineHandler(JoinGroupRequest, JoinGroupResponse, {
    versions: '0-9',
    listeners: ['broker'],
    handle(request, context) {
      const joined = groups.join(callerOf(context), request);
      const finish = (response: JoinResponse) => inVersion(response, context.apiVersion);
      return joined instanceof Promise ? joined.then(finish) : finish(joined);
    },
    failed: (request, error, { apiVersion }) =>
      inVersion(
        {
          errorCode: error.code,
          generationId: -1,
          protocolType: null,
          protocolName: null,
          leader: '',
          skipAssignment: false,
          memberId: request.memberId,
          members: [],
        },
        apiVersion,
      ),
  });
}

function inVersion(response: JoinResponse, version: number): Init<typeof JoinGroupResponse> {
  if (version >= nullProtocolSince || response.protocolName !== null) return response;
  return { ...response, protocolName: '' };
}

/** Heartbeat (12): extends a member's session and tells it when to join again. */
import { mark } from '../../base/mark.ts';
import type { ErrorRow } from '../../protocol/errors.ts';
import { Errors } from '../../protocol/errors.ts';
import { defined } from '../../base/assert.ts';
import type { Turn } from '../group-turn.ts';
import { reply } from '../group-turn.ts';
import type { HeartbeatRequest } from '../types.ts';
import type { ClassicGroup } from './group.ts';
import { renewSession } from './rebalance.ts';

export function heartbeatClassicGroup(
  turn: Turn,
  group: ClassicGroup | undefined,
  token: number,
  request: HeartbeatRequest,
): void {
  reply(turn, token, { errorCode: heartbeatOf(turn, group, request).code });
}

function heartbeatOf(turn: Turn, group: ClassicGroup | undefined, request: HeartbeatRequest): ErrorRow {
  if (request.groupId === '') return Errors.INVALID_GROUP_ID;
  if (group === undefined) {
    mark('group.heartbeat-for-unknown-group');
    return Errors.UNKNOWN_MEMBER_ID;
  }
  const error = group.validateMember(request.memberId, request.groupInstanceId);
  if (error !== null) return error;
  if (request.generationId !== group.generation) {
    mark('group.heartbeat-of-old-generation');
    return Errors.ILLEGAL_GENERATION;
  }
  // A heartbeat that arrives before the member's SyncGroup of the new generation extends the session, too.
  renewSession(turn, defined(group.members.get(request.memberId)));
  return group.state === 'PreparingRebalance' ? Errors.REBALANCE_IN_PROGRESS : Errors.NONE;
}

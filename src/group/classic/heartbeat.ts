/** Heartbeat (12): keeps a member's session alive and tells it when to join again. */
import { mark } from '../../base/mark.ts';
import type { ErrorRow } from '../../protocol/errors.ts';
import { Errors } from '../../protocol/errors.ts';
import { defined } from '../../base/assert.ts';
import type { Turn } from '../turn.ts';
import type { HeartbeatRequest } from '../types.ts';
import { renewSession } from './rebalance.ts';

export function heartbeat(turn: Turn, request: HeartbeatRequest): ErrorRow {
  if (request.groupId === '') return Errors.INVALID_GROUP_ID;
  const group = turn.shard.groups.get(request.groupId);
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
  // A heartbeat may overtake the SyncGroup of a new generation: it counts all the same.
  renewSession(turn, defined(group.members.get(request.memberId)));
  return group.state === 'PreparingRebalance' ? Errors.REBALANCE_IN_PROGRESS : Errors.NONE;
}

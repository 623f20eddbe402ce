/**
 * LeaveGroup (13): members leave, or an administrator removes static members by their instance id (with an empty member id).
 * Each member of the request succeeds or fails by itself. One rebalance follows for all that left.
 */
import { defined } from '../../base/assert.ts';
import type { ErrorRow } from '../../protocol/errors.ts';
import { Errors } from '../../protocol/errors.ts';
import type { Turn } from '../group-turn.ts';
import { note, reply } from '../group-turn.ts';
import type { LeaveRequest, LeaveResponse } from '../types.ts';
import type { ClassicGroup } from './group.ts';
import { answerWaiting, completeIfAllJoined, prepareOrComplete, replyAfterWrites } from './rebalance.ts';

export function leaveClassicGroup(
  turn: Turn,
  group: ClassicGroup | undefined,
  token: number,
  request: LeaveRequest,
): void {
  if (request.groupId === '') return reply(turn, token, leaveRefused(Errors.INVALID_GROUP_ID));
  const gone: string[] = [];
  const members = request.members.map((member) => {
    const error = group === undefined ? Errors.UNKNOWN_MEMBER_ID : leaveOne(turn, group, member);
    if (error === Errors.NONE)
      gone.push(member.memberId === '' ? (member.groupInstanceId ?? '') : member.memberId);
    return { memberId: member.memberId, groupInstanceId: member.groupInstanceId, errorCode: error.code };
  });
  if (group !== undefined && gone.length > 0) {
    const reason = `explicit LeaveGroup request for (${gone.join(', ')})`;
    if (group.is('Stable', 'CompletingRebalance')) prepareOrComplete(turn, group, reason);
    else completeIfAllJoined(turn, group);
  }
  const response: LeaveResponse = { errorCode: Errors.NONE.code, members };
  replyAfterWrites(turn, token, response, leaveRefused);
}

function leaveRefused(error: ErrorRow): LeaveResponse {
  return { errorCode: error.code, members: [] };
}

function leaveOne(turn: Turn, group: ClassicGroup, member: LeaveRequest['members'][number]): ErrorRow {
  const { memberId, groupInstanceId } = member;
  if (memberId === '') {
    if (groupInstanceId === null || !group.staticMembers.has(groupInstanceId))
      return Errors.UNKNOWN_MEMBER_ID;
    remove(turn, group, defined(group.staticMembers.get(groupInstanceId)), member.reason);
    return Errors.NONE;
  }
  if (group.pendingMembers.has(memberId)) {
    group.removePending(memberId);
    return Errors.NONE;
  }
  const error = group.validateMember(memberId, groupInstanceId);
  if (error !== null) return error;
  remove(turn, group, memberId, member.reason);
  return Errors.NONE;
}

function remove(turn: Turn, group: ClassicGroup, memberId: string, reason: string | null): void {
  note(turn, 'info', 'Member left the group', {
    group: group.groupId,
    member: memberId,
    reason: reason ?? 'not provided',
  });
  answerWaiting(turn, memberId, group.remove(memberId), Errors.UNKNOWN_MEMBER_ID);
}

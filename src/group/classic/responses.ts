/** Responses to JoinGroup and SyncGroup. */
import type { ErrorRow } from '../../protocol/errors.ts';
import { Errors } from '../../protocol/errors.ts';
import type { JoinResponse, SyncResponse } from '../types.ts';
import type { ClassicGroup, Member } from './group.ts';
import { noBytes } from './group.ts';

export function joinRefused(memberId: string, error: ErrorRow): JoinResponse {
  return {
    errorCode: error.code,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

/** The response to JoinGroup of `memberId` in the current generation. Only the leader gets the list of members. */
export function joined(group: ClassicGroup, memberId: string, skipAssignment = false): JoinResponse {
  return {
    errorCode: Errors.NONE.code,
    generationId: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? '',
    skipAssignment,
    memberId,
    members: group.leaderId === memberId ? group.membersForLeader() : [],
  };
}

export function syncRefused(error: ErrorRow): SyncResponse {
  return { errorCode: error.code, protocolType: null, protocolName: null, assignment: noBytes };
}

export function synced(group: ClassicGroup, member: Member): SyncResponse {
  return {
    errorCode: Errors.NONE.code,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  };
}

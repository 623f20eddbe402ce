/**
 * SyncGroup (14): the leader sends the assignment, and the other members wait for their part of it. The responses are sent only
 * after the group's record with the assignment is replicated, so that a later coordinator knows the same generation.
 */
import { mark } from '../../base/mark.ts';
import { defined } from '../../base/assert.ts';
import type { ErrorRow } from '../../protocol/errors.ts';
import { Errors } from '../../protocol/errors.ts';
import { ownBytes } from '../bytes.ts';
import { groupRecord } from '../records.ts';
import type { Turn } from '../group-turn.ts';
import { note, reply, write } from '../group-turn.ts';
import type { SyncRequest } from '../types.ts';
import type { ClassicGroup } from './group.ts';
import { noBytes, takeSync } from './group.ts';
import { prepareOrComplete, renewSession, withdrawAssignments } from './rebalance.ts';
import { synced, syncRefused } from './responses.ts';

export function syncClassicGroup(
  turn: Turn,
  group: ClassicGroup | undefined,
  token: number,
  request: SyncRequest,
): void {
  if (request.groupId === '') return reply(turn, token, syncRefused(Errors.INVALID_GROUP_ID));
  if (group === undefined) return reply(turn, token, syncRefused(Errors.UNKNOWN_MEMBER_ID));
  const error = validate(group, request);
  if (error !== null) return reply(turn, token, syncRefused(error));
  const member = defined(group.members.get(request.memberId));
  group.pendingSync.delete(member.memberId);
  if (group.pendingSync.size === 0) group.syncDeadline.cancel();
  if (group.state === 'Stable') return reply(turn, token, synced(group, member));
  const before = takeSync(member);
  if (before !== null) {
    mark('group.sync-asked-twice');
    reply(turn, before, syncRefused(Errors.REBALANCE_IN_PROGRESS));
  }
  member.syncToken = token;
  if (group.leaderId === member.memberId) storeAssignment(turn, group, request);
}

function validate(group: ClassicGroup, request: SyncRequest): ErrorRow | null {
  const error = group.validateMember(request.memberId, request.groupInstanceId);
  if (error !== null) return error;
  if (request.generationId !== group.generation) return Errors.ILLEGAL_GENERATION;
  if (differs(request.protocolType, group.protocolType) || differs(request.protocolName, group.protocolName))
    return Errors.INCONSISTENT_GROUP_PROTOCOL;
  return group.state === 'PreparingRebalance' ? Errors.REBALANCE_IN_PROGRESS : null;
}

/** A field that is null on either side is not compared: clients before v5 do not send protocol type and name. */
function differs(requested: string | null, known: string | null): boolean {
  return requested !== null && known !== null && requested !== known;
}

function storeAssignment(turn: Turn, group: ClassicGroup, request: SyncRequest): void {
  note(turn, 'info', 'Assignment received from leader', {
    group: group.groupId,
    leader: request.memberId,
    generation: group.generation,
    members: group.members.size,
  });
  const assignments = new Map(request.assignments.map((a) => [a.memberId, ownBytes(a.assignment)]));
  const { generation } = group;
  const record = groupRecord(group, assignments, turn.wallMs);
  // When the write has its outcome, the group may be in another state or generation; then the assignment is no longer valid.
  const current = () => group.state === 'CompletingRebalance' && group.generation === generation;
  write(turn, [record], {
    undoOnTimeout: true,
    apply: (later) => {
      group.persisted = record.value;
      if (current()) handOut(later, group, assignments);
    },
    undo: (later, error) => {
      if (!current()) return;
      // INVALID_COMMIT_OFFSET_SIZE is an error of offset commits, which a client does not expect as response to SyncGroup.
      const sent = error === Errors.INVALID_COMMIT_OFFSET_SIZE ? Errors.UNKNOWN_SERVER_ERROR : error;
      withdrawAssignments(later, group, sent);
      prepareOrComplete(later, group, `error ${error.name} when storing group assignment during SyncGroup`);
    },
  });
}

function handOut(turn: Turn, group: ClassicGroup, assignments: ReadonlyMap<string, Uint8Array>): void {
  group.transition('Stable', turn.wallMs);
  for (const member of group.members.values()) {
    member.assignment = assignments.get(member.memberId) ?? noBytes;
    const token = takeSync(member);
    if (token === null) continue;
    reply(turn, token, synced(group, member));
    renewSession(turn, member);
  }
}

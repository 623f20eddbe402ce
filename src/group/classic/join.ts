/**
 * JoinGroup (11): a client becomes a member, or a member takes part in the next generation. The response is sent when the
 * rebalance completes; until then the member's state holds the request's token. JoinGroup writes only two things to the log:
 * the record of a new group, and the new member id of a static member that has restarted, because a later coordinator must know
 * that id. The members are written with the leader's assignment (`sync.ts`).
 *
 * Versions: from v4 on a dynamic member first gets its id (MEMBER_ID_REQUIRED) and joins with it. So a client that repeats its
 * request does not leave an unused member behind. From v9 on a static leader that has restarted is told to skip the assignment
 * (`skipAssignment`); before v9 the response names its old member id as the leader, which has the same effect.
 */
import { mark } from '../../base/mark.ts';
import { defined } from '../../base/assert.ts';
import { Errors } from '../../protocol/errors.ts';
import { ownBytes } from '../bytes.ts';
import { Deadline } from '../deadlines.ts';
import { memberIdFor } from '../member-id.ts';
import { sameProtocols } from '../member-protocols.ts';
import { groupRecord, newGroupRecord } from '../records.ts';
import type { Turn } from '../group-turn.ts';
import { note, reply, write } from '../group-turn.ts';
import type { Caller, JoinRequest, MemberProtocol } from '../types.ts';
import type { Member } from './group.ts';
import { ClassicGroup, noBytes } from './group.ts';
import {
  answerWaiting,
  completeIfAllJoined,
  prepare,
  prepareOrComplete,
  renewNewMember,
  renewSession,
} from './rebalance.ts';
import { joined, joinRefused } from './responses.ts';

const knownMemberIdSince = 4;
const skipAssignmentSince = 9;

interface Join {
  readonly token: number;
  readonly caller: Caller;
  readonly request: JoinRequest;
  readonly protocols: readonly MemberProtocol[];
  /** v0 has only a session time-out, which is then used as rebalance time-out too. */
  readonly rebalanceTimeoutMs: number;
}

export function joinClassicGroup(
  turn: Turn,
  existing: ClassicGroup | undefined,
  token: number,
  caller: Caller,
  request: JoinRequest,
): void {
  const { groupId, memberId, sessionTimeoutMs } = request;
  const refuse = (error: (typeof Errors)[keyof typeof Errors], id = memberId) =>
    reply(turn, token, joinRefused(id, error));
  const isNew = memberId === '';
  if (existing === undefined && !isNew) return refuse(Errors.UNKNOWN_MEMBER_ID);
  if (existing?.deleting) return refuse(Errors.COORDINATOR_NOT_AVAILABLE);
  if (existing !== undefined && !hasRoom(turn, existing, memberId)) {
    existing.removePending(memberId);
    answerWaiting(turn, memberId, existing.remove(memberId), Errors.GROUP_MAX_SIZE_REACHED);
    return refuse(Errors.GROUP_MAX_SIZE_REACHED, '');
  }
  const supported = existing?.supports(request.protocolType, request.protocols);
  const hasProtocol = request.protocolType !== '' && request.protocols.length > 0;
  if (!(supported ?? hasProtocol)) return refuse(Errors.INCONSISTENT_GROUP_PROTOCOL);
  const asked: Join = {
    token,
    caller,
    request,
    protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: ownBytes(metadata) })),
    rebalanceTimeoutMs: caller.apiVersion === 0 ? sessionTimeoutMs : request.rebalanceTimeoutMs,
  };
  const group = existing ?? createGroup(turn, groupId);
  if (isNew) joinNew(turn, group, asked);
  else rejoin(turn, group, asked);
}

/**
 * Like Kafka, writes a record of the group before its first generation, so that the group is still listed after a failover. The
 * JoinGroup request does not wait for this write.
 */
function createGroup(turn: Turn, groupId: string): ClassicGroup {
  const group = new ClassicGroup(groupId, turn.wallMs);
  turn.shard.groups.set(groupId, group);
  const record = newGroupRecord(groupId, turn.wallMs);
  group.persisted = record.value;
  write(turn, [record], {
    undo: () => {
      if (group.persisted === record.value) group.persisted = null;
    },
  });
  return group;
}

/**
 * Whether the group may have another member. During a rebalance only members with a pending JoinGroup request count, because
 * the others may never join again.
 */
function hasRoom(turn: Turn, group: ClassicGroup, memberId: string): boolean {
  const { maxSize } = turn.shard.config;
  const member = group.members.get(memberId);
  if (group.state === 'Empty') return true;
  if (group.state !== 'PreparingRebalance') return member !== undefined || group.members.size < maxSize;
  return (member !== undefined && member.joinToken !== null) || group.joiningCount < maxSize;
}

function joinNew(turn: Turn, group: ClassicGroup, asked: Join): void {
  const { token, caller, request } = asked;
  const instance = request.groupInstanceId;
  const memberId = memberIdFor(turn.shard.random, instance ?? caller.clientId);
  if (instance !== null) {
    const current = group.staticMembers.get(instance);
    if (current === undefined) addMember(turn, group, asked, memberId);
    else replaceStatic(turn, group, asked, current, memberId);
    return;
  }
  if (caller.apiVersion < knownMemberIdSince) return addMember(turn, group, asked, memberId);
  const deadline = new Deadline('pending', group.groupId, memberId);
  group.pendingMembers.set(memberId, deadline);
  turn.shard.deadlines.set(deadline, turn.nowMs + request.sessionTimeoutMs);
  reply(turn, token, joinRefused(memberId, Errors.MEMBER_ID_REQUIRED));
}

function rejoin(turn: Turn, group: ClassicGroup, asked: Join): void {
  const { token, request, protocols } = asked;
  const { memberId, groupInstanceId } = request;
  if (group.pendingMembers.has(memberId) && groupInstanceId === null)
    return addMember(turn, group, asked, memberId);
  const error = group.validateMember(memberId, groupInstanceId);
  if (error !== null) return reply(turn, token, joinRefused(memberId, error));
  const member = defined(group.members.get(memberId));
  const same = sameProtocols(member.protocols, protocols);
  // A member that repeats its request did not get the response, so it gets the response again. When the leader of a stable
  // group joins again, its subscription or the topics have changed, and that starts a rebalance.
  const again =
    (group.state === 'CompletingRebalance' && same) ||
    (group.state === 'Stable' && same && group.leaderId !== memberId);
  if (again) {
    renewSession(turn, member);
    return reply(turn, token, joined(group, memberId));
  }
  update(turn, group, member, asked);
  const reason = request.reason ?? 'not provided';
  prepareOrComplete(turn, group, `member ${memberId} joins again; client reason: ${reason}`);
}

function addMember(turn: Turn, group: ClassicGroup, asked: Join, memberId: string): void {
  const { caller, request } = asked;
  if (group.state === 'PreparingRebalance' && group.generation === 0) group.newMemberAdded = true;
  const member: Member = {
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: caller.clientId,
    clientHost: caller.clientHost,
    rebalanceTimeoutMs: asked.rebalanceTimeoutMs,
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols: asked.protocols,
    assignment: noBytes,
    isNew: true,
    joinToken: asked.token,
    syncToken: null,
    session: new Deadline('session', group.groupId, memberId),
  };
  group.add(member, request.protocolType);
  renewNewMember(turn, member);
  const reason = request.reason ?? 'not provided';
  prepareOrComplete(turn, group, `adding new member ${memberId}; client reason: ${reason}`);
}

/** Updates the member from its request, and stores the request as pending. */
function update(turn: Turn, group: ClassicGroup, member: Member, asked: Join): void {
  const { caller, request } = asked;
  group.setProtocols(member, asked.protocols);
  member.rebalanceTimeoutMs = asked.rebalanceTimeoutMs;
  member.sessionTimeoutMs = request.sessionTimeoutMs;
  member.clientId = caller.clientId;
  member.clientHost = caller.clientHost;
  // If another JoinGroup request of the member is pending, the client has given up waiting for its response.
  const before = group.putJoin(member, asked.token);
  if (before !== null) {
    mark('group.join-asked-twice');
    reply(turn, before, joinRefused(member.memberId, Errors.REBALANCE_IN_PROGRESS));
  }
}

/**
 * A static member has restarted and no longer knows its member id. It keeps its place in the group under a new id; a client
 * that still uses the old id is fenced.
 */
function replaceStatic(turn: Turn, group: ClassicGroup, asked: Join, oldId: string, newId: string): void {
  const { member, waiting } = group.replaceStatic(oldId, newId);
  note(turn, 'info', 'Static member restarted and keeps its place with a new member id', {
    group: group.groupId,
    instance: member.groupInstanceId,
    replaced: oldId,
    member: newId,
  });
  answerWaiting(turn, oldId, waiting, Errors.FENCED_INSTANCE_ID);
  const before: Member = { ...member };
  update(turn, group, member, asked);
  renewSession(turn, member);
  const reason = `static member ${member.groupInstanceId} with new id ${newId} joins`;
  if (group.state === 'CompletingRebalance') prepare(turn, group, reason);
  else if (group.state !== 'Stable') completeIfAllJoined(turn, group);
  else if (group.selectProtocol() !== group.protocolName) prepareOrComplete(turn, group, reason);
  else keepPlace(turn, group, asked, before, oldId, newId);
}

/** The generation continues. Only the record with the new member id is written. */
function keepPlace(
  turn: Turn,
  group: ClassicGroup,
  asked: Join,
  before: Member,
  oldId: string,
  newId: string,
): void {
  const leaderBefore = group.leaderId === newId ? oldId : (group.leaderId ?? '');
  const assignments = new Map([...group.members].map(([id, { assignment }]) => [id, assignment]));
  const record = groupRecord(group, assignments, group.stateSinceMs);
  write(turn, [record], {
    undoOnTimeout: true,
    apply: (later) => {
      group.persisted = record.value;
      const member = group.members.get(newId);
      if (member === undefined || group.takeJoinIf(member, asked.token) === null) return;
      const skip = asked.caller.apiVersion >= skipAssignmentSince;
      // Before v9 there is no `skipAssignment`. The response names the old member id as the leader, so that the restarted
      // leader does not compute a new assignment.
      const answer = skip
        ? joined(group, newId, group.leaderId === newId)
        : { ...joined(group, newId), leader: leaderBefore, members: [] };
      reply(later, asked.token, answer);
      renewSession(later, member);
    },
    undo: (later, error) => {
      const member = group.members.get(newId);
      if (member === undefined || group.takeJoinIf(member, asked.token) === null) return;
      reply(later, asked.token, joinRefused('', error));
      group.setProtocols(member, before.protocols);
      const { member: old } = group.replaceStatic(newId, oldId);
      old.rebalanceTimeoutMs = before.rebalanceTimeoutMs;
      old.sessionTimeoutMs = before.sessionTimeoutMs;
      old.clientId = before.clientId;
      old.clientHost = before.clientHost;
      renewSession(later, old);
    },
  });
}

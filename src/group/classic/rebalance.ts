/**
 * The path of a group from one generation to the next: it prepares (all members must join again), completes the join phase
 * (generation + 1, the leader gets the list of members), and waits for the leader's assignment (`sync.ts`).
 *
 * A dynamic member that does not join again in time is removed, a static member only when its session expires. If only static
 * members are left and none of them has joined again, the group waits for another rebalance time-out.
 */
import { mark } from '../../base/mark.ts';
import type { ErrorRow } from '../../protocol/errors.ts';
import { Errors } from '../../protocol/errors.ts';
import type { Deadline } from '../deadlines.ts';
import { groupRecord } from '../records.ts';
import type { Turn } from '../group-turn.ts';
import { note, reply, write } from '../group-turn.ts';
import type { Reply } from '../types.ts';
import type { ClassicGroup, Member, Waiting } from './group.ts';
import { noBytes, takeSync } from './group.ts';
import { joined, joinRefused, syncRefused } from './responses.ts';

/**
 * A new member sends no heartbeats before its first generation, because it has no response to JoinGroup yet. This time-out
 * replaces its session time-out until then.
 */
const newMemberTimeoutMs = 5 * 60_000;

/** Restarts the session time-out of `member`. */
export function renewSession(turn: Turn, member: Member, timeoutMs = member.sessionTimeoutMs): void {
  turn.shard.deadlines.set(member.session, turn.nowMs + timeoutMs);
}

export function renewNewMember(turn: Turn, member: Member): void {
  renewSession(turn, member, newMemberTimeoutMs);
}

/** Sends the error to the pending requests of a member that was replaced or removed. */
export function answerWaiting(turn: Turn, memberId: string, waiting: Waiting, error: ErrorRow): void {
  if (waiting.joinToken !== null) reply(turn, waiting.joinToken, joinRefused(memberId, error));
  if (waiting.syncToken !== null) reply(turn, waiting.syncToken, syncRefused(error));
}

/**
 * Called when members, or the metadata of a member, have changed: starts a rebalance, or checks whether the current one can
 * complete.
 */
export function prepareOrComplete(turn: Turn, group: ClassicGroup, reason: string): void {
  if (group.is('Empty', 'Stable', 'CompletingRebalance')) prepare(turn, group, reason);
  else completeIfAllJoined(turn, group);
}

export function prepare(turn: Turn, group: ClassicGroup, reason: string): void {
  if (group.state === 'CompletingRebalance') withdrawAssignments(turn, group, Errors.REBALANCE_IN_PROGRESS);
  group.syncDeadline.cancel();
  note(turn, 'info', 'Preparing to rebalance group', {
    group: group.groupId,
    state: group.state,
    generation: group.generation,
    reason,
  });
  const initial = group.state === 'Empty';
  group.transition('PreparingRebalance', turn.wallMs);
  group.initialRebalance = initial;
  if (!initial) return completeOrWait(turn, group);
  // The first members of a group usually arrive one after the other. The delay puts them into one generation instead of one
  // generation each.
  const delayMs = turn.shard.config.initialRebalanceDelayMs;
  group.newMemberAdded = false;
  group.initialDelayMs = delayMs;
  group.initialRemainingMs = Math.max(group.rebalanceTimeoutMs - delayMs, 0);
  turn.shard.deadlines.set(group.joinDeadline, turn.nowMs + delayMs);
}

function completeOrWait(turn: Turn, group: ClassicGroup): void {
  if (group.allJoined) completeJoin(turn, group);
  else turn.shard.deadlines.set(group.joinDeadline, turn.nowMs + group.rebalanceTimeoutMs);
}

/**
 * Completes the join phase if all members have joined. In the initial rebalance it completes only when the delay has passed.
 */
export function completeIfAllJoined(turn: Turn, group: ClassicGroup): void {
  if (group.state !== 'PreparingRebalance') return;
  if (group.allJoined && !group.initialRebalance) completeJoin(turn, group);
}

/**
 * The rebalance time-out or the initial delay has passed. Before the first generation the delay is extended while new members
 * arrive, in all by no more than the rebalance time-out.
 */
export function expireJoin(turn: Turn, group: ClassicGroup): void {
  mark('group.join-deadline');
  if (group.state !== 'PreparingRebalance') return;
  if (!group.initialRebalance || !group.newMemberAdded || group.initialRemainingMs === 0)
    return completeJoin(turn, group);
  group.newMemberAdded = false;
  const remainingMs = group.initialRemainingMs;
  const delayMs = Math.min(turn.shard.config.initialRebalanceDelayMs, remainingMs);
  group.initialRemainingMs = Math.max(remainingMs - group.initialDelayMs, 0);
  group.initialDelayMs = delayMs;
  turn.shard.deadlines.set(group.joinDeadline, turn.nowMs + delayMs);
}

function completeJoin(turn: Turn, group: ClassicGroup): void {
  group.joinDeadline.cancel();
  removeAbsent(turn, group);
  if (group.members.size > 0 && !electLeader(group)) {
    note(turn, 'warn', 'Group could not complete rebalance because no members rejoined', {
      group: group.groupId,
    });
    turn.shard.deadlines.set(group.joinDeadline, turn.nowMs + group.rebalanceTimeoutMs);
    return;
  }
  group.generation++;
  group.initialRebalance = false;
  group.pendingSync.clear();
  if (group.members.size === 0) return becomeEmpty(turn, group);
  group.protocolName = group.selectProtocol();
  group.computeSubscribedTopics();
  group.transition('CompletingRebalance', turn.wallMs);
  note(turn, 'info', 'Stabilized group', {
    group: group.groupId,
    generation: group.generation,
    members: group.members.size,
  });
  for (const member of group.members.values()) {
    const token = group.takeJoin(member);
    if (token !== null) reply(turn, token, joined(group, member.memberId));
    member.isNew = false;
    renewSession(turn, member);
    group.pendingSync.add(member.memberId);
  }
  turn.shard.deadlines.set(group.syncDeadline, turn.nowMs + group.rebalanceTimeoutMs);
}

function removeAbsent(turn: Turn, group: ClassicGroup): void {
  const absent = [...group.members.values()].filter(
    (m) => m.joinToken === null && m.groupInstanceId === null,
  );
  if (absent.length === 0) return;
  for (const { memberId } of absent)
    answerWaiting(turn, memberId, group.remove(memberId), Errors.UNKNOWN_MEMBER_ID);
  note(turn, 'info', 'Group removed members who have not joined', {
    group: group.groupId,
    members: absent.map((member) => member.memberId),
  });
}

/**
 * Keeps or replaces the leader: only a member with a pending JoinGroup request can lead. Returns false when no member has one,
 * so that only absent static members are left.
 */
function electLeader(group: ClassicGroup): boolean {
  const leader = group.leaderId === null ? undefined : group.members.get(group.leaderId);
  if (leader?.joinToken !== null && leader !== undefined) return true;
  for (const member of group.members.values()) {
    if (member.joinToken === null) continue;
    group.leaderId = member.memberId;
    return true;
  }
  return false;
}

/**
 * Writes the record of the empty group. The response to LeaveGroup waits for it (`replyAfterWrites`), so that a later
 * coordinator knows that the members left.
 */
function becomeEmpty(turn: Turn, group: ClassicGroup): void {
  group.protocolName = null;
  group.leaderId = null;
  group.computeSubscribedTopics();
  group.transition('Empty', turn.wallMs);
  note(turn, 'info', 'Group is now empty', { group: group.groupId, generation: group.generation });
  const record = groupRecord(group, new Map(), turn.wallMs);
  write(turn, [record], {
    apply: () => {
      group.persisted = record.value;
    },
  });
}

/** Removes all assignments until the next generation. Pending SyncGroup requests get the error. */
export function withdrawAssignments(turn: Turn, group: ClassicGroup, error: ErrorRow): void {
  for (const member of group.members.values()) {
    member.assignment = noBytes;
    const token = takeSync(member);
    if (token === null) continue;
    reply(turn, token, syncRefused(error));
    renewSession(turn, member);
  }
}

export function removeMember(turn: Turn, group: ClassicGroup, memberId: string, reason: string): void {
  answerWaiting(turn, memberId, group.remove(memberId), Errors.UNKNOWN_MEMBER_ID);
  prepareOrComplete(turn, group, reason);
}

export function expireSession(turn: Turn, group: ClassicGroup, deadline: Deadline): void {
  mark('group.session-deadline');
  const member = group.members.get(deadline.memberId);
  if (member === undefined || member.session !== deadline) return;
  // A member that waits for a response need not send heartbeats. Its session restarts with the response.
  if (!member.isNew && (member.joinToken !== null || member.syncToken !== null)) return;
  note(turn, 'info', 'Member has failed, removing it from the group', {
    group: group.groupId,
    member: member.memberId,
  });
  removeMember(turn, group, member.memberId, `removing member ${member.memberId} on heartbeat expiration`);
}

export function expirePending(turn: Turn, group: ClassicGroup, deadline: Deadline): void {
  if (group.pendingMembers.get(deadline.memberId) !== deadline) return;
  note(turn, 'info', 'Pending member has been removed after session timeout expiration', {
    group: group.groupId,
    member: deadline.memberId,
  });
  group.removePending(deadline.memberId);
  completeIfAllJoined(turn, group);
}

export function expireSync(turn: Turn, group: ClassicGroup): void {
  mark('group.sync-deadline');
  if (!group.is('CompletingRebalance', 'Stable') || group.pendingSync.size === 0) return;
  const late = [...group.pendingSync];
  for (const id of late) answerWaiting(turn, id, group.remove(id), Errors.UNKNOWN_MEMBER_ID);
  note(turn, 'info', 'Group removed members who have not sent their sync requests', {
    group: group.groupId,
    members: late,
  });
  prepare(turn, group, `removing ${late.join(', ')} on pending sync request expiration`);
}

/** This broker is no longer the coordinator: pending requests of the group get the error. */
export function resign(turn: Turn, group: ClassicGroup, error: ErrorRow): void {
  for (const member of group.members.values()) {
    const waiting: Waiting = { joinToken: group.takeJoin(member), syncToken: takeSync(member) };
    answerWaiting(turn, member.memberId, waiting, error);
    member.session.cancel();
  }
  group.transition('Dead', turn.wallMs);
}

/**
 * Responds after the last write of this step is replicated, or with the error of that write; at once when the step wrote
 * nothing.
 */
export function replyAfterWrites(
  turn: Turn,
  token: number,
  response: unknown,
  refused: (error: ErrorRow) => unknown,
): void {
  const last = turn.writes.at(-1);
  if (last === undefined) return reply(turn, token, response);
  const pending = turn.shard.pending.get(last.id);
  if (pending === undefined) return reply(turn, token, response);
  turn.shard.pending.set(last.id, {
    ...pending,
    answer: (later, error) => {
      pending.answer(later, error);
      const answer: Reply = { token, response: error === null ? response : refused(error) };
      later.replies.push(answer);
    },
  });
}

/**
 * How a leader hands over its leadership, because its node shuts down or was removed from the voters. The leader selects the
 * voter with the longest log. When that voter has all of the log, the leader tells it to campaign at once (`timeoutNow`). From
 * the selection until a later epoch begins, the leader accepts no proposals. When no voter can take over, the leader resigns
 * and tells the voters, so that they do not wait for a time-out.
 */
import type { NodeId } from '../../base/ids.ts';
import { mark } from '../../base/mark.ts';
import { countsFor, type Progress } from '../progress.ts';
import type { Leader, RaftState } from '../state.ts';
import { becomeUnattached } from './transitions.ts';

/** Whether this leader must stop leading: its node shuts down, or its removal from the voters is committed and durable here. */
function isLeaving(state: RaftState): boolean {
  if (state.retired) return true;
  const committed = Math.min(state.highWatermark, state.log.stableEndOffset) > state.voters.currentOffset;
  return committed && !state.amVoter;
}

/** Begins the hand-over of a leader whose removal from the voters is committed. Called after each commit and write. */
export function leaveWhenRemoved(state: RaftState, leader: Leader): void {
  if (leader.transfer === null && !state.amVoter && isLeaving(state)) {
    mark('raft.removed-leader-hands-over');
    startTransfer(state, leader);
  }
}

/** Begins the hand-over of a leader whose node shuts down, to the voter with the longest log that has responded recently. */
export function retireLeader(state: RaftState, leader: Leader): void {
  if (leader.transfer !== null || state.peers().length === 0) return;
  if (!startTransfer(state, leader)) resign(state, leader);
}

function startTransfer(state: RaftState, leader: Leader): boolean {
  let best: Progress | null = null;
  for (const voter of state.voters.current) {
    const progress = leader.progress.get(voter.id);
    if (progress === undefined || progress.directoryId === null || !countsFor(progress, voter)) continue;
    if (progress.linkDown || leader.transfersFailed.has(voter.id)) continue;
    if (state.nowMs - progress.contactMs > 3 * state.options.heartbeatMs) continue;
    if (best === null || progress.match > best.match) best = progress;
  }
  if (best === null) return false;
  // The voter gets half of an election timeout, so that the leader can ask a second voter before the others campaign.
  const deadlineMs = state.nowMs + Math.floor(state.options.electionTimeoutMs / 2);
  leader.transfer = { target: best.id, deadlineMs, sent: false };
  continueTransfer(state, leader);
  return true;
}

/** Tells the selected voter to campaign, if it has all of the log now. */
export function continueTransfer(state: RaftState, leader: Leader): void {
  const { transfer } = leader;
  if (transfer === null || transfer.sent) return;
  if (leader.progress.get(transfer.target)?.match !== state.log.endOffset) return;
  transfer.sent = true;
  state.send(transfer.target, { type: 'timeoutNow', epoch: state.epoch });
}

/**
 * Gives up the hand-over to the selected voter, which does not respond or whose stream broke. A leader that must leave asks the
 * next voter, or resigns when there is none. Any other leader leads on.
 */
export function abortTransfer(state: RaftState, leader: Leader): void {
  const { transfer } = leader;
  if (transfer === null) return;
  mark('raft.transfer-aborted');
  leader.transfersFailed.add(transfer.target);
  leader.transfer = null;
  if (isLeaving(state) && !startTransfer(state, leader)) resign(state, leader);
}

/**
 * Gives up a hand-over whose time has passed, and begins the hand-over of a removed leader, which resigns when no voter can
 * take over. Called with each heartbeat.
 */
export function transferTick(state: RaftState, leader: Leader): void {
  if (leader.transfer !== null) {
    if (state.nowMs >= leader.transfer.deadlineMs) abortTransfer(state, leader);
  } else if (!state.amVoter && isLeaving(state) && !startTransfer(state, leader)) {
    resign(state, leader);
  }
}

/** Stops leading and tells the voters, the one with the longest log first. */
export function resign(state: RaftState, leader: Leader): void {
  mark('raft.resigned');
  const matchOf = (id: NodeId): number => leader.progress.get(id)?.match ?? 0;
  const successors = state.peers().sort((a, b) => matchOf(b) - matchOf(a) || a - b);
  for (const id of successors) state.send(id, { type: 'resign', epoch: state.epoch, successors });
  becomeUnattached(state, state.epoch, 0);
}

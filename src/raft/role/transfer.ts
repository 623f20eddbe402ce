/**
 * Deliberate ends of a leadership. The leader tells the voter with the longest log to campaign at once (`timeoutNow`), when that
 * voter has all of the log. Until then, and until the leader receives a later epoch, it accepts no proposals. When no voter can
 * take over, the leader resigns and announces it, so that the others need not wait for a time-out.
 */
import type { NodeId } from '../../base/ids.ts';
import { mark } from '../../base/mark.ts';
import { countsFor, type Progress } from '../progress.ts';
import type { Leader, RaftState } from '../state.ts';
import { becomeUnattached } from './transitions.ts';

/** The node shuts down, or its removal from the voters is committed and delivered here. */
function isLeaving(state: RaftState): boolean {
  if (state.retired) return true;
  const committed = Math.min(state.highWatermark, state.log.stableEndOffset) > state.voters.currentOffset;
  return committed && !state.amVoter;
}

/** Called after a commit or a write: a leader that is no longer a voter hands over. */
export function leaveWhenRemoved(state: RaftState, leader: Leader): void {
  if (leader.transfer === null && !state.amVoter && isLeaving(state)) {
    mark('raft.removed-leader-hands-over');
    startTransfer(state, leader);
  }
}

/** The node shuts down: the voter with the longest log that has responded recently shall take over. */
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
  // Half of an election timeout, so that a second voter can be asked before the others campaign.
  const deadlineMs = state.nowMs + Math.floor(state.options.electionTimeoutMs / 2);
  leader.transfer = { target: best.id, deadlineMs, sent: false };
  continueTransfer(state, leader);
  return true;
}

/** The target may have received the rest of the log. */
export function continueTransfer(state: RaftState, leader: Leader): void {
  const { transfer } = leader;
  if (transfer === null || transfer.sent) return;
  if (leader.progress.get(transfer.target)?.match !== state.log.endOffset) return;
  transfer.sent = true;
  state.send(transfer.target, { type: 'timeoutNow', epoch: state.epoch });
}

/**
 * The target does not respond, or its stream broke: try the next one. When there is none, this leader stays and accepts proposals
 * again.
 */
export function abortTransfer(state: RaftState, leader: Leader): void {
  const { transfer } = leader;
  if (transfer === null) return;
  mark('raft.transfer-aborted');
  leader.transfersFailed.add(transfer.target);
  leader.transfer = null;
  if (isLeaving(state) && !startTransfer(state, leader)) resign(state, leader);
}

/** Called with each heartbeat. */
export function transferTick(state: RaftState, leader: Leader): void {
  if (leader.transfer !== null) {
    if (state.nowMs >= leader.transfer.deadlineMs) abortTransfer(state, leader);
  } else if (!state.amVoter && isLeaving(state) && !startTransfer(state, leader)) {
    resign(state, leader);
  }
}

/** Stops leading and announces it. */
export function resign(state: RaftState, leader: Leader): void {
  mark('raft.resigned');
  const matchOf = (id: NodeId): number => leader.progress.get(id)?.match ?? 0;
  const successors = state.peers().sort((a, b) => matchOf(b) - matchOf(a) || a - b);
  for (const id of successors) state.send(id, { type: 'resign', epoch: state.epoch, successors });
  becomeUnattached(state, state.epoch, 0);
}

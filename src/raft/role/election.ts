/**
 * Elections: when a replica campaigns, and for which candidates it votes.
 *
 * Pre-vote: before a replica increments its epoch, it asks whether a majority would vote for it. Voters that receive messages
 * from a leader refuse. So a replica that has only lost its own connections does not end the leadership. Votes and vote
 * requests are sent only after the epoch, the vote and the log that they state are durable.
 */
import { assert } from '../../base/assert.ts';
import { mark } from '../../base/mark.ts';
import type { NodeId } from '../../base/ids.ts';
import type { Resignation, VoteRequest, VoteResponse } from '../messages.ts';
import { majority, voteResult } from '../quorum.ts';
import type { RaftState } from '../state.ts';
import { type ReplicaKey, sameReplica, voterOf } from '../types.ts';
import { becomeLeader } from './leader.ts';
import { announce } from './membership.ts';
import { becomeUnattached, retryMs, retryPauseMs } from './transitions.ts';
import { hasLiveLeader, isBelieved, leads } from './trust.ts';

/**
 * When the leader's streams break, all voters detect it at the same time. Each voter waits this much longer than the one before
 * it (in the order of ids) before it campaigns, so that the first one has usually won by then.
 */
const staggerMs = 15;
/**
 * After this many pre-votes without a majority, a voter also asks for the log (`announce`), because it may have been removed
 * from the voters.
 */
const attemptsInVainMax = 3;
/** A replica that yields to another candidate waits this long plus a random time of up to as much (`yieldTo`). */
const yieldMs = 50;

/** Sets the time of the first campaign after the start of the node. The only voter of a quorum campaigns at once. */
export function scheduleFirstElection(state: RaftState): void {
  assert(
    state.role.name === 'unattached' || state.role.name === 'resigned',
    'a replica starts without a leader',
  );
  const alone = state.amVoter && state.peers().length === 0;
  state.leaderSeenMs = state.nowMs;
  state.role.deadlineMs = state.nowMs + (alone ? 0 : state.randomMs(state.options.electionTimeoutMs / 4));
}

/** Called when the deadline of a replica that does not lead has passed. */
export function electionTimedOut(state: RaftState): void {
  const role = state.role;
  assert(role.name !== 'leader', 'a leader has no election deadline');
  const attempts = role.name === 'follower' ? 0 : role.attempts;
  if (state.retired) {
    role.deadlineMs = state.nowMs + state.options.electionTimeoutMs;
  } else if (!mayCampaign(state, attempts)) {
    lookForLeader(state, attempts);
  } else if (state.peers().length === 0) {
    becomeCandidate(state, false, attempts);
  } else {
    becomeProspective(state, attempts);
  }
}

/**
 * Whether this replica may campaign. A voter may. A replica that is not a voter may in two cases: it does not know yet that its
 * removal is committed; or it has found no leader and has entries that may be uncommitted. In the second case all voters may
 * have shorter logs than this replica and refuse each other's requests, or lack a majority, so that only this replica can be
 * elected (Ongaro's thesis, section 4.2.2). As leader it does not count itself in majorities, and it hands the leadership to a
 * voter.
 */
function mayCampaign(state: RaftState, attempts: number): boolean {
  if (state.amVoter) return true;
  const { voters, options, highWatermark, log } = state;
  if (voters.current.length === 0) return false;
  if (
    voters.currentOffset >= highWatermark &&
    voterOf(voters.before(voters.currentOffset), options.me) !== null
  ) {
    mark('raft.removed-voter-campaigns');
    return true;
  }
  if (attempts < attemptsInVainMax || log.endOffset <= highWatermark) return false;
  mark('raft.learner-campaigns');
  return true;
}

/**
 * What a replica that may not campaign does instead: it asks the voters that it knows, and the bootstrap servers, for the log.
 */
function lookForLeader(state: RaftState, attempts: number): void {
  if (state.leaderId !== null) becomeUnattached(state, state.epoch, 0);
  const { role } = state;
  assert(role.name !== 'leader' && role.name !== 'follower', 'only a replica without a leader looks for one');
  const pauseMs = state.options.electionTimeoutMs / 2;
  const deadlineMs = state.nowMs + pauseMs + state.randomMs(pauseMs);
  state.role = {
    name: role.name === 'resigned' ? 'resigned' : 'unattached',
    deadlineMs,
    attempts: attempts + 1,
  };
  announce(state);
}

/**
 * A stream to or from `peer` broke. If `peer` is the leader, this replica campaigns soon, instead of at the end of the
 * time-out.
 */
export function linkDown(state: RaftState, peer: NodeId): void {
  const role = state.role;
  if (role.name !== 'follower' || role.leaderId !== peer || role.linkDown) return;
  role.linkDown = true;
  const rank = state.peers().filter((id) => id !== peer && id < state.options.me.id).length;
  role.deadlineMs = Math.min(role.deadlineMs, state.nowMs + rank * staggerMs + state.randomMs(5));
}

/**
 * A peer can be reached again. A replica without a leader does not wait for the end of its pause, but campaigns soon. A
 * candidate still waits for the votes that it has asked for.
 */
export function linkUp(state: RaftState): void {
  const role = state.role;
  if (role.name !== 'unattached' && role.name !== 'resigned' && role.name !== 'prospective') return;
  role.deadlineMs = Math.min(role.deadlineMs, state.nowMs + state.randomMs(retryMs * 2));
}

/** The leader has resigned. Its voters campaign without waiting for the time-out, in the order of `successors`. */
export function handleResignation(state: RaftState, from: ReplicaKey, { successors }: Resignation): void {
  const role = state.role;
  if (role.name !== 'follower' || !leads(state, from)) return;
  role.linkDown = true;
  const rank = successors.indexOf(state.options.me.id);
  const waitMs = (rank < 0 ? successors.length : rank) * staggerMs + state.randomMs(5);
  role.deadlineMs = Math.min(role.deadlineMs, state.nowMs + waitMs);
}

function becomeProspective(state: RaftState, attempts: number): void {
  const leaderId = state.leaderId;
  const nonce = state.random.u32();
  state.role = {
    name: 'prospective',
    leaderId,
    nonce,
    granted: new Set(state.amVoter ? [state.options.me.id] : []),
    rejected: new Set(),
    attempts: attempts + 1,
    deadlineMs: state.nowMs + retryPauseMs(state, attempts),
  };
  const request = voteRequest(state, nonce, { preVote: true, transfer: false });
  for (const peer of state.peers()) state.send(peer, request);
  // Several pre-votes found no majority. This replica may have been removed from the voters while it was disconnected. It
  // learns this only by receiving the log, which it asks for here.
  if (attempts >= attemptsInVainMax || !state.amVoter) announce(state);
}

/** Campaigns in the next epoch. `transfer`: the leader asked for it, so voters grant the vote although the leader is alive. */
export function becomeCandidate(state: RaftState, transfer: boolean, attempts: number): void {
  assert(state.role.name !== 'leader', 'a leader does not campaign');
  state.epoch += 1;
  state.votedFor = state.options.me;
  state.epochLeader = null;
  const { electionTimeoutMs } = state.options;
  const nonce = state.random.u32();
  state.role = {
    name: 'candidate',
    nonce,
    granted: new Set(),
    rejected: new Set(),
    attempts,
    ownVoteSeq: state.writeHardState(),
    deadlineMs: state.nowMs + electionTimeoutMs + state.randomMs(electionTimeoutMs),
  };
  const request = voteRequest(state, nonce, { preVote: false, transfer });
  for (const peer of state.peers()) state.sendDurably(peer, request);
}

function voteRequest(
  state: RaftState,
  nonce: number,
  flags: { preVote: boolean; transfer: boolean },
): VoteRequest {
  return {
    type: 'vote',
    epoch: flags.preVote ? state.epoch + 1 : state.epoch,
    ...flags,
    logEndOffset: state.log.endOffset,
    lastEpoch: state.log.lastEpoch,
    nonce,
  };
}

/** Called when a write is durable. If it contains the candidate's vote for itself, that vote counts now. */
export function ownVotePersisted(state: RaftState): void {
  const role = state.role;
  if (role.name !== 'candidate' || state.log.persistedSeq < role.ownVoteSeq) return;
  if (role.granted.has(state.options.me.id) || !state.amVoter) return;
  role.granted.add(state.options.me.id);
  countVotes(state);
}

export function handleVoteRequest(state: RaftState, from: ReplicaKey, request: VoteRequest): void {
  const believed = isBelieved(state, from);
  if (request.preVote) {
    const isElectable = believed && isUpToDate(state, request) && !hasLiveLeader(state);
    const granted = request.epoch > state.epoch && isElectable;
    state.send(from.id, answer(state, request, granted));
    if (granted) yieldTo(state, from, request);
    return;
  }
  if (request.epoch > state.epoch) {
    // A vote request with a later epoch would end the leadership. A replica that has just come back must not cause that.
    if (!believed || (!request.transfer && hasLiveLeader(state))) return;
    becomeUnattached(state, request.epoch, 0);
  }
  const granted =
    believed && request.epoch === state.epoch && mayVoteFor(state, from) && isUpToDate(state, request);
  if (granted && state.votedFor === null) {
    state.votedFor = from;
    const { electionTimeoutMs } = state.options;
    const deadlineMs = state.nowMs + electionTimeoutMs + state.randomMs(electionTimeoutMs);
    state.role = { name: 'unattached', deadlineMs, attempts: 0 };
    state.writeHardState();
  }
  state.sendDurably(from.id, answer(state, request, granted));
}

/**
 * Delays this replica's own campaign after it has granted a pre-vote to `other`. Otherwise two replicas that ask at the same
 * time would both get pre-votes, campaign, and split the votes. If both have already sent pre-vote requests, only the one with
 * the shorter log yields; if the logs are equally long, the one with the larger id.
 */
function yieldTo(state: RaftState, other: ReplicaKey, request: VoteRequest): void {
  const role = state.role;
  const deadlineMs = state.nowMs + yieldMs + state.randomMs(yieldMs);
  if (role.name === 'prospective') {
    const equal = request.lastEpoch === state.log.lastEpoch && request.logEndOffset === state.log.endOffset;
    if (equal && other.id > state.options.me.id) return;
    state.role = { name: 'unattached', deadlineMs, attempts: 0 };
  } else if (role.name !== 'leader' && role.name !== 'candidate') {
    role.deadlineMs = Math.max(role.deadlineMs, deadlineMs);
  }
}

function answer(state: RaftState, request: VoteRequest, granted: boolean): VoteResponse {
  return { type: 'voted', epoch: state.epoch, preVote: request.preVote, granted, nonce: request.nonce };
}

function mayVoteFor(state: RaftState, candidate: ReplicaKey): boolean {
  if (state.votedFor !== null) return sameReplica(state.votedFor, candidate);
  return state.leaderId === null;
}

/**
 * Whether the candidate's log is at least as up to date as this one (Raft paper 5.4.1): by last epoch first, then by length.
 */
function isUpToDate(state: RaftState, request: VoteRequest): boolean {
  if (request.lastEpoch !== state.log.lastEpoch) return request.lastEpoch > state.log.lastEpoch;
  return request.logEndOffset >= state.log.endOffset;
}

export function handleVoteResponse(state: RaftState, from: ReplicaKey, response: VoteResponse): void {
  const role = state.role;
  const asked = response.preVote ? 'prospective' : 'candidate';
  if ((role.name !== 'prospective' && role.name !== 'candidate') || role.name !== asked) return;
  if (role.nonce !== response.nonce || voterOf(state.voters.current, from) === null) return;
  if (response.granted) {
    role.granted.add(from.id);
    role.rejected.delete(from.id);
  } else if (!role.granted.has(from.id)) {
    role.rejected.add(from.id);
  }
  countVotes(state);
}

function countVotes(state: RaftState): void {
  const role = state.role;
  assert(role.name === 'prospective' || role.name === 'candidate', 'votes are counted while asking for them');
  const voters = state.voters.current;
  const granted = voters.filter((voter) => role.granted.has(voter.id)).length;
  const rejected = voters.filter((voter) => role.rejected.has(voter.id)).length;
  const result = voteResult(voters.length, granted, rejected);
  if (result === 'won') {
    if (role.name === 'candidate') becomeLeader(state);
    else becomeCandidate(state, false, role.attempts);
  } else if (role.name === 'candidate') {
    const answered = granted + rejected >= majority(voters.length);
    if (result === 'lost') becomeUnattached(state, state.epoch, role.attempts + 1);
    // A majority has responded, so the votes are split, and the voter that has not responded is probably down. So this replica
    // tries again soon. Without responses from a majority it waits longer, because a slow disk may delay them.
    else if (answered) {
      role.deadlineMs = Math.min(role.deadlineMs, state.nowMs + retryPauseMs(state, role.attempts + 1));
    }
  }
}

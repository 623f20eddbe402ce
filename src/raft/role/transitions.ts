/**
 * How a replica becomes unattached (without a known leader) or follower, and how long it pauses before its next campaign.
 *
 *   unattached | resigned  --deadline-->  prospective  --majority would-->  candidate  --majority did-->  leader
 *   any  --message of a later epoch-->  unattached          any but leader  --message of the epoch's leader-->  follower
 *   follower  --silence, broken stream, resign-->  prospective    leader  --no majority responds, removed-->  resigned
 *   follower  --timeoutNow-->  candidate                     prospective | candidate  --deadline-->  prospective
 *   candidate  --majority refuses-->  unattached             prospective  --yields to another candidate-->  unattached
 *
 * The only voter of a quorum becomes candidate at once instead of prospective.
 */
import { assert } from '../../base/assert.ts';
import type { RaftState } from '../state.ts';
import type { ReplicaKey } from '../types.ts';
import { refuseReads } from './reads.ts';

/** Delay before the first retry of a failed campaign; it doubles up to half the election timeout. */
export const retryMs = 20;

/** No leader is known in `epoch`. `attempts`: how many campaigns have failed in a row; each makes the next pause longer. */
export function becomeUnattached(state: RaftState, epoch: number, attempts: number): void {
  assert(epoch >= state.epoch, 'epochs never go back');
  const led = state.role.name === 'leader' || state.role.name === 'resigned';
  if (state.role.name === 'leader') {
    refuseReads(state, state.role);
    state.learnersVersion += 1;
    state.leaderSeenMs = state.nowMs;
  }
  const deadlineMs = state.nowMs + retryPauseMs(state, attempts);
  if (epoch > state.epoch) {
    state.epoch = epoch;
    state.votedFor = null;
    state.epochLeader = null;
    state.role = { name: 'unattached', deadlineMs, attempts };
    state.writeHardState();
  } else {
    state.role = { name: led ? 'resigned' : 'unattached', deadlineMs, attempts };
  }
}

export function becomeFollower(state: RaftState, leader: ReplicaKey): void {
  assert(state.role.name !== 'leader', 'a leader does not follow another one in its own epoch');
  assert(leader.id !== state.options.me.id, 'a replica does not follow itself');
  state.epochLeader = leader;
  state.role = { name: 'follower', leaderId: leader.id, contactMs: 0, linkDown: false, deadlineMs: 0 };
  heardLeader(state);
}

/** Called when a message of the epoch's leader has arrived: the follower's time-out begins again. */
export function heardLeader(state: RaftState): void {
  const role = state.role;
  assert(role.name === 'follower', 'only followers hear a leader');
  role.contactMs = state.nowMs;
  state.leaderSeenMs = state.nowMs;
  role.linkDown = false;
  const { fetchTimeoutMs } = state.options;
  role.deadlineMs = state.nowMs + fetchTimeoutMs + state.randomMs(fetchTimeoutMs / 2);
}

/**
 * The pause before the next campaign. It is longer after each failure, and random, so that two candidates do not meet again.
 */
export function retryPauseMs(state: RaftState, attempts: number): number {
  const pauseMs = Math.min(state.options.electionTimeoutMs / 2, retryMs * 2 ** Math.min(attempts, 10));
  return pauseMs + state.randomMs(pauseMs);
}

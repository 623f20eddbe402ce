/**
 * Entering the roles without leadership, and the pauses before the next campaign.
 *
 *   unattached | resigned  --deadline-->  prospective  --majority would-->  candidate  --majority did-->  leader
 *   any  --message of a later epoch-->  unattached          any but leader  --message of the epoch's leader-->  follower
 *   follower  --silence, broken stream, resign-->  prospective       leader  --no majority heard, removed-->  resigned
 *   follower  --timeoutNow-->  candidate                     prospective | candidate  --deadline-->  prospective
 */
import { assert } from '../../base/assert.ts';
import type { NodeId } from '../../base/ids.ts';
import type { RaftState } from '../state.ts';
import { refuseReads } from './reads.ts';

/** Delay before the first retry of a failed campaign; it doubles up to half the election timeout. */
export const retryMs = 20;

/** No leader is known in the epoch. A larger `attempts` makes the pauses between campaigns longer. */
export function becomeUnattached(state: RaftState, epoch: number, attempts: number): void {
  assert(epoch >= state.epoch, 'epochs never go back');
  const led = state.role.name === 'leader' || state.role.name === 'resigned';
  if (state.role.name === 'leader') {
    refuseReads(state, state.role);
    state.learnersVersion += 1;
  }
  const deadlineMs = state.nowMs + retryPauseMs(state, attempts);
  if (epoch > state.epoch) {
    state.epoch = epoch;
    state.votedFor = null;
    state.role = { name: 'unattached', deadlineMs, attempts };
    state.writeHardState();
  } else {
    state.role = { name: led ? 'resigned' : 'unattached', deadlineMs, attempts };
  }
}

export function becomeFollower(state: RaftState, leaderId: NodeId): void {
  assert(state.role.name !== 'leader', `${leaderId} leads epoch ${state.epoch}, which this node leads`);
  assert(leaderId !== state.options.me.id, 'a replica does not follow itself');
  state.role = { name: 'follower', leaderId, contactMs: 0, linkDown: false, deadlineMs: 0 };
  heardLeader(state);
}

/** A message of the epoch's leader arrived. */
export function heardLeader(state: RaftState): void {
  const role = state.role;
  assert(role.name === 'follower', 'only followers hear a leader');
  role.contactMs = state.nowMs;
  role.linkDown = false;
  const { fetchTimeoutMs } = state.options;
  role.deadlineMs = state.nowMs + fetchTimeoutMs + state.randomMs(fetchTimeoutMs / 2);
}

/** Longer after each failure, and random, so that two competing candidates separate. */
export function retryPauseMs(state: RaftState, attempts: number): number {
  const pauseMs = Math.min(state.options.electionTimeoutMs / 2, retryMs * 2 ** Math.min(attempts, 10));
  return pauseMs + state.randomMs(pauseMs);
}

/**
 * Linearizable reads of the leader's state: a read sees everything that was committed before it was requested.
 *
 * For a read, the leader notes its high watermark and begins a round: it sends a heartbeat with a new number to every voter.
 * When a majority has responded to that number or a later one, no later leader had been elected when the round began. So no
 * other leader had committed more, and the read may be answered from the state below that high watermark. This works only once
 * an entry of the leader's own epoch is committed, because before that its high watermark may be too low.
 *
 * One round is in flight at a time; reads that arrive in the meantime share the next one. Each regular heartbeat confirms
 * rounds too, so a lost message delays a read by at most one heartbeat.
 */
import { mark } from '../../base/mark.ts';
import { countsFor } from '../progress.ts';
import { majorityValue } from '../quorum.ts';
import type { Leader, RaftState } from '../state.ts';
import { isVoter } from '../types.ts';
import { sendHeartbeat } from './replication.ts';

export function readBarrier(state: RaftState, ticket: number): void {
  const { role } = state;
  if (role.name !== 'leader') {
    state.effects.refused.push({ ticket, reason: 'notLeader' });
  } else if (role.reads.length >= state.options.readsMax) {
    mark('raft.reads-full');
    state.effects.refused.push({ ticket, reason: 'busy' });
  } else {
    role.reads.push({ ticket, round: 0, endOffset: -1 });
  }
}

/**
 * Begins a round for the reads that have none; the caller then sends its number to the voters. Returns false when no read waits
 * for a round, or when no entry of this epoch is committed yet.
 */
export function beginRound(state: RaftState, leader: Leader): boolean {
  if (leader.reads.at(-1)?.round !== 0) return false;
  if (state.highWatermark <= leader.startOffset) {
    mark('raft.read-before-own-entry');
    return false;
  }
  leader.round += 1;
  for (let at = leader.reads.length - 1; at >= 0; at--) {
    const read = leader.reads[at] as Leader['reads'][number];
    if (read.round !== 0) break;
    read.round = leader.round;
    read.endOffset = state.highWatermark;
  }
  return true;
}

/** Called at the end of a step: answers confirmed reads, and begins the next round when none is in flight. */
export function driveReads(state: RaftState): void {
  const leader = state.role;
  if (leader.name !== 'leader' || leader.reads.length === 0) return;
  if (leader.reads[0]?.round !== 0) answerReads(state, leader);
  if (leader.reads.length === 0 || leader.reads[0]?.round !== 0 || !beginRound(state, leader)) return;
  for (const voter of state.voters.current) {
    const progress = leader.progress.get(voter.id);
    if (progress !== undefined) sendHeartbeat(state, progress);
  }
  // When this replica is the only voter, the round is already confirmed.
  answerReads(state, leader);
}

function answerReads(state: RaftState, leader: Leader): void {
  const rounds = state.voters.current.map((voter) => {
    if (isVoter(voter, state.options.me)) return leader.round;
    const progress = leader.progress.get(voter.id);
    return progress !== undefined && countsFor(progress, voter) ? progress.round : 0;
  });
  const confirmed = majorityValue(rounds);
  let count = 0;
  for (const { ticket, round, endOffset } of leader.reads) {
    if (round === 0 || round > confirmed) break;
    state.effects.readReady.push({ ticket, endOffset });
    count += 1;
  }
  if (count > 0) leader.reads.splice(0, count);
}

/** Refuses all waiting reads, because the leadership has ended and another leader may have committed more. */
export function refuseReads(state: RaftState, leader: Leader): void {
  for (const { ticket } of leader.reads) {
    mark('raft.read-refused-by-step-down');
    state.effects.refused.push({ ticket, reason: 'notLeader' });
  }
  leader.reads.length = 0;
}

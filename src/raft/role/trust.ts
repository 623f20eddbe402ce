/**
 * Which peers a replica believes. A peer sends its node id and its directory id in its hello, without a proof. So a message may come
 * from a process that is not a controller of this cluster. Such a message must not end an epoch, a leadership or this process.
 *
 * A replica believes the voters of all voter sets in its log, the leader of the present epoch, and, that it leads this epoch, the
 * candidate that it has voted for. Another replica may lead too: this replica may lack the entry that makes the other one a voter, and a learner
 * can be elected (`election.ts`). So a voter that has had no leader for some time believes every peer; a replica that is not a
 * voter does so as soon as it has no leader.
 *
 * An epoch has one leader. A second one is refused, unless the first is not a voter: a voter replaces it, and any other replica does
 * when it is silent.
 */
import type { RaftMessage } from '../messages.ts';
import type { RaftState } from '../state.ts';
import { type ReplicaKey, sameReplica } from '../types.ts';

/** A voter that has had no leader for this many fetch timeouts believes replicas that it does not know as voters. */
const leaderlessTimeouts = 2;
/** A leader steps down for a learner only after it has led for this many fetch timeouts. */
const learnerTimeouts = 2;
/** A leader steps down for a learner whose epoch is ahead by at most this number. Each campaign of the learner adds 1. */
const learnerEpochsMax = 1000;

/**
 * Whether this replica refuses elections because a leader is alive: it leads itself and does not hand over, or it follows a
 * leader whose stream is open and whose last message is not older than the fetch timeout.
 */
export function hasLiveLeader(state: RaftState): boolean {
  const role = state.role;
  if (role.name === 'leader') return role.transfer === null;
  if (role.name !== 'follower' || role.linkDown) return false;
  return state.nowMs - role.contactMs < state.options.fetchTimeoutMs;
}

/** Whether `from` leads the present epoch, as far as this replica knows. */
export function leads({ epochLeader }: RaftState, from: ReplicaKey): boolean {
  return epochLeader !== null && sameReplica(epochLeader, from);
}

/** Whether `from` may campaign, lead, or tell a later epoch. */
export function isBelieved(state: RaftState, from: ReplicaKey): boolean {
  return state.voters.everHad(from) || leads(state, from) || looksForAnyLeader(state);
}

function looksForAnyLeader(state: RaftState): boolean {
  if (state.role.name === 'leader' || hasLiveLeader(state)) return false;
  if (!state.amVoter) return true;
  return state.nowMs - state.leaderSeenMs >= leaderlessTimeouts * state.options.fetchTimeoutMs;
}

/** Whether this replica moves to the later epoch of the message. */
export function mayTellEpoch(state: RaftState, from: ReplicaKey, { epoch }: RaftMessage): boolean {
  if (isBelieved(state, from) || isStrandedLearner(state, from, epoch)) return true;
  refuse(state, from, `node ${from.id}, which is no voter, names the later epoch ${epoch}`);
  return false;
}

/**
 * Whether `from` is a learner that this leader can feed only in a later epoch: the learner has campaigned with an old voter set. The
 * leader steps down and is elected again. Anybody becomes a learner by asking, so this is limited.
 */
function isStrandedLearner(state: RaftState, from: ReplicaKey, epoch: number): boolean {
  const { role } = state;
  if (role.name !== 'leader' || role.progress.get(from.id)?.directoryId !== from.directoryId) return false;
  const ledMs = state.nowMs - role.sinceMs;
  return ledMs >= learnerTimeouts * state.options.fetchTimeoutMs && epoch - state.epoch <= learnerEpochsMax;
}

/** Whether this replica accepts `from` as the leader of the present epoch. */
export function mayLead(state: RaftState, from: ReplicaKey): boolean {
  const { epoch, epochLeader, votedFor } = state;
  if (epochLeader !== null && !leads(state, from) && !takesPlaceOf(state, from, epochLeader)) {
    refuse(
      state,
      from,
      `node ${from.id} claims to lead epoch ${epoch}, in which node ${epochLeader.id} leads`,
    );
    return false;
  }
  if (isBelieved(state, from) || (votedFor !== null && sameReplica(votedFor, from))) return true;
  refuse(state, from, `node ${from.id}, which is no voter, claims to lead epoch ${epoch}`);
  return false;
}

/** A replica without voters in its log knows none: there a silent leader gives way to any other. */
function takesPlaceOf(state: RaftState, from: ReplicaKey, leader: ReplicaKey): boolean {
  const { voters, options } = state;
  if (sameReplica(leader, options.me) || voters.everHad(leader)) return false;
  return voters.everHad(from) || !hasLiveLeader(state);
}

/** Tells the driver why this replica ignores a message. Of several such messages it tells only the first. */
export function refuse(state: RaftState, from: ReplicaKey, reason: string): void {
  if (state.effects.refusedMessages.length === 0) state.effects.refusedMessages.push({ from, reason });
}

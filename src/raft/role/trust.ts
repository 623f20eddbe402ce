/**
 * Which peers a replica believes. A peer names its node id and its directory id in its hello, without a proof. So a message may
 * come from a process that is not a controller of this cluster. Such a message must not end an epoch, a leadership or this
 * process.
 *
 * A replica believes the voters of all voter sets in its log, and the leader of the present epoch. It also believes the
 * candidate for which it has voted, when that candidate leads the epoch. Another replica may be the leader too: this replica
 * may lack the entry that makes the other one a voter, and a learner can be elected (`election.ts`). So a voter that has had no
 * leader for some time believes every peer. A replica that is not a voter does so as soon as it has no leader.
 *
 * An epoch has one leader. A second one is refused while the first is a voter. If the first is not a voter, a voter replaces it
 * at once, and any other replica replaces it when it is silent.
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

/** Whether `from` may campaign, lead, or name a later epoch. */
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
 * Whether `from` is a learner that has campaigned with an old voter set, so that it accepts this leader only in a later epoch.
 * The leader then steps down and is elected again. Any process can become a learner (`join`), so this is limited.
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

/**
 * Whether `from` may replace `leader` in the same epoch. A replica whose log has no voter set knows no voters; it accepts any
 * other leader when the present one is silent.
 */
function takesPlaceOf(state: RaftState, from: ReplicaKey, leader: ReplicaKey): boolean {
  const { voters, options } = state;
  if (sameReplica(leader, options.me) || voters.everHad(leader)) return false;
  return voters.everHad(from) || !hasLiveLeader(state);
}

/** Reports to the driver why this replica ignores a message. Of several such messages in a step only the first is reported. */
export function refuse(state: RaftState, from: ReplicaKey, reason: string): void {
  if (state.effects.refusedMessages.length === 0) state.effects.refusedMessages.push({ from, reason });
}

/**
 * Membership of the quorum: learners (replicas that receive the log without being voters), and changes of the voter set.
 *
 * A replica that is not a voter and gets no messages from a leader sends `join` to the voters that it knows and to the
 * bootstrap servers. The leader then replicates to it as to a voter, but never counts it in majorities: it is a learner. Only a
 * learner that has caught up can become a voter.
 *
 * A voter set differs from the previous one in one voter, so every majority of the one overlaps every majority of the other.
 * (The change `upgrade` keeps the voters and adds their directory ids.) A new set is appended only when the previous set is
 * committed and this leader has committed an entry of its own epoch. It is in force from its append on. A leader that is
 * removed leads on, without counting itself, until its removal is committed; then it hands over.
 */
import { assertNever } from '../../base/assert.ts';
import { mark } from '../../base/mark.ts';
import { uuidZero } from '../../base/uuid.ts';
import type { JoinRequest } from '../messages.ts';
import { becomeProbe, newProgress, type Progress } from '../progress.ts';
import type { Leader, RaftState, Refusal, VoterChange } from '../state.ts';
import { type Endpoint, type ReplicaKey, sameReplica, type Voter, voterOf } from '../types.ts';
import { encodeVoters } from '../voter-set.ts';
import { appendAsLeader, newEntry } from './leader.ts';

/**
 * The leader forgets a learner that has sent nothing for this many fetch timeouts. The learner sends `join` when it comes back.
 */
const learnerTimeouts = 5;

/** Sends `join` to every known voter and to the bootstrap servers, to ask for the log. */
export function announce(state: RaftState): void {
  const { me, endpoints } = state.options;
  const message: JoinRequest = { type: 'join', epoch: state.epoch, replica: me, endpoints };
  for (const id of state.peers()) state.send(id, message);
  if (state.effects.announce.length === 0) state.effects.announce.push(message);
}

export function handleJoin(state: RaftState, from: ReplicaKey, message: JoinRequest): void {
  const { replica } = message;
  if (replica.id === state.options.me.id) return;
  if (state.role.name === 'leader') {
    admit(state, state.role, message);
    return;
  }
  const { leaderId } = state;
  // A `join` is forwarded only if it came from the joining replica itself, so that replicas never forward it in a circle.
  if (leaderId === null || leaderId === replica.id || from.id !== replica.id) return;
  mark('raft.join-passed-on');
  state.send(leaderId, message);
}

function admit(state: RaftState, leader: Leader, { replica, endpoints }: JoinRequest): void {
  const known = leader.progress.get(replica.id);
  if (known !== undefined && (known.directoryId === null || known.directoryId === replica.directoryId)) {
    known.directoryId = replica.directoryId;
    if (!sameEndpoints(known.endpoints, endpoints)) setEndpoints(state, known, endpoints);
    // A learner sends `join` when it has no leader, so messages in flight to it are lost: send them again. `contactMs` stays,
    // because this message does not confirm that the replica accepts this leader.
    if (known.state !== 'snapshot') becomeProbe(known, known.match > 0 ? known.match : known.next);
    return;
  }
  if (known === undefined && learners(state, leader).length >= state.options.learnersMax) {
    mark('raft.learners-full');
    return;
  }
  if (known !== undefined) mark('raft.wiped-replica-joins');
  const progress = newProgress(replica.id, state.log.endOffset, state.nowMs);
  progress.directoryId = replica.directoryId;
  leader.progress.set(replica.id, progress);
  setEndpoints(state, progress, endpoints);
}

function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  const isSame = (one: Endpoint, index: number): boolean =>
    one.name === b[index]?.name && one.host === b[index].host && one.port === b[index].port;
  return a.length === b.length && a.every(isSame);
}

function setEndpoints(state: RaftState, progress: Progress, endpoints: readonly Endpoint[]): void {
  progress.endpoints = endpoints;
  state.learnersVersion += 1;
}

/**
 * The replicas to which the leader replicates without counting them in majorities: those that are not voters, and those with
 * the node id of a voter but another directory id.
 */
export function learners(state: RaftState, leader: Leader): Progress[] {
  const { current } = state.voters;
  return [...leader.progress.values()].filter(({ id, directoryId }) =>
    directoryId !== null
      ? voterOf(current, { id, directoryId }) === null
      : !current.some((voter) => voter.id === id),
  );
}

/** Forgets learners that have sent nothing for long. Called with each heartbeat. */
export function dropSilentLearners(state: RaftState, leader: Leader): void {
  const silentSinceMs = state.nowMs - learnerTimeouts * state.options.fetchTimeoutMs;
  for (const learner of learners(state, leader)) {
    if (learner.contactMs >= silentSinceMs) continue;
    mark('raft.learner-dropped');
    if (state.voters.current.some((voter) => voter.id === learner.id)) {
      // The learner had the node id of a voter but another directory id. The leader replicates to that node again as to the
      // voter.
      leader.progress.set(learner.id, newProgress(learner.id, state.log.endOffset, state.nowMs));
    } else leader.progress.delete(learner.id);
    state.learnersVersion += 1;
  }
}

export function changeVoters(state: RaftState, ticket: number, change: VoterChange): void {
  const { accepted, refused } = state.effects;
  const leader = state.role;
  if (leader.name !== 'leader' || leader.transfer !== null || state.retired || !state.amVoter) {
    refused.push({ ticket, reason: 'notLeader' });
    return;
  }
  const next = mayChange(state, leader) ?? changed(state, leader, change);
  if (typeof next === 'string') {
    refused.push({ ticket, reason: next });
    return;
  }
  if (change.kind === 'remove') keepFeeding(state, leader, change.voter);
  if (change.kind === 'add') {
    const { id } = change.voter;
    leader.votersHeardMs.set(id, leader.progress.get(id)?.contactMs ?? 0);
  }
  const offset = state.log.endOffset;
  appendAsLeader(state, [newEntry(state, offset, 'voters', encodeVoters(next))]);
  accepted.push({ ticket, offset });
}

/** A voter that was removed becomes a learner, so that it still receives the entry that removes it. */
function keepFeeding(state: RaftState, leader: Leader, removed: ReplicaKey): void {
  const progress = leader.progress.get(removed.id);
  const voter = voterOf(state.voters.current, removed);
  // The replica has never responded to this leader, so nothing is sent to it. When it starts, it sends `join`.
  if (progress?.directoryId === null) leader.progress.delete(removed.id);
  if (
    progress === undefined ||
    progress.directoryId === null ||
    voter === null ||
    progress.endpoints.length > 0
  )
    return;
  setEndpoints(state, progress, voter.endpoints);
}

function mayChange(state: RaftState, leader: Leader): Refusal | null {
  if (state.highWatermark <= leader.startOffset) {
    mark('raft.change-before-own-entry');
    return 'notReady';
  }
  if (state.voters.currentOffset >= state.highWatermark) {
    mark('raft.change-while-pending');
    return 'changePending';
  }
  return null;
}

function changed(state: RaftState, leader: Leader, change: VoterChange): readonly Voter[] | Refusal {
  const { current } = state.voters;
  if (change.kind === 'upgrade') return withDirectories(state, leader);
  if (current.some((voter) => voter.directoryId === uuidZero)) return 'staticVoters';
  switch (change.kind) {
    case 'add':
      if (current.some((voter) => voter.id === change.voter.id)) return 'duplicateVoter';
      if (!hasCaughtUp(state, leader, change.voter)) return 'notCaughtUp';
      return [...current, change.voter];
    case 'remove': {
      if (!current.some((voter) => sameReplica(voter, change.voter))) return 'unknownVoter';
      if (current.length === 1) return 'lastVoter';
      if (sameReplica(change.voter, state.options.me)) mark('raft.leader-removes-itself');
      return current.filter((voter) => !sameReplica(voter, change.voter));
    }
    case 'update':
      if (!current.some((voter) => sameReplica(voter, change.voter))) return 'unknownVoter';
      return current.map((voter) => (sameReplica(voter, change.voter) ? change.voter : voter));
    default:
      return assertNever(change);
  }
}

/**
 * Whether the learner has all of the log, or had all of it within the last election timeout and heartbeat interval (Ongaro's
 * thesis, section 4.2.1), and has sent something within that time. When it then becomes a voter whose acknowledgement a
 * majority needs, commits are delayed by no more than an election would delay them.
 */
function hasCaughtUp(state: RaftState, leader: Leader, voter: ReplicaKey): boolean {
  const progress = leader.progress.get(voter.id);
  if (progress === undefined || progress.directoryId !== voter.directoryId) return false;
  const { electionTimeoutMs, heartbeatMs } = state.options;
  if (state.nowMs - progress.contactMs > electionTimeoutMs + heartbeatMs) return false;
  if (progress.match >= state.log.endOffset) return true;
  return progress.caughtUpMs >= 0 && state.nowMs - progress.caughtUpMs <= electionTimeoutMs + heartbeatMs;
}

/**
 * The same voters with their directory ids, which the leader knows from their messages. Refused while one of them is unknown.
 */
function withDirectories(state: RaftState, leader: Leader): readonly Voter[] | Refusal {
  const voters: Voter[] = [];
  for (const voter of state.voters.current) {
    const isMe = voter.id === state.options.me.id;
    const heard = isMe ? state.options.me.directoryId : (leader.progress.get(voter.id)?.directoryId ?? null);
    const directoryId = voter.directoryId === uuidZero ? heard : voter.directoryId;
    if (directoryId === null || directoryId === uuidZero) return 'notCaughtUp';
    voters.push({ id: voter.id, directoryId, endpoints: voter.endpoints });
  }
  return voters;
}

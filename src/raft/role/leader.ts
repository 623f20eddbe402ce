/**
 * The leader: appends, replicates, commits, and steps down when no majority responds any more.
 *
 * A leader first appends a `leaderChange` entry. Entries of earlier epochs are committed only together with an entry of its own
 * epoch (Raft paper 5.4.2), so the commit of the `leaderChange` entry commits them too. The leader counts itself for an entry
 * when its own write is durable. It never truncates its log.
 */
import { assert } from '../../base/assert.ts';
import type { NodeId } from '../../base/ids.ts';
import { mark } from '../../base/mark.ts';
import { uuidZero } from '../../base/uuid.ts';
import type { AppendResponse, HeartbeatResponse } from '../messages.ts';
import {
  becomeProbe,
  becomeReplicate,
  countsFor,
  freeInflights,
  newProgress,
  type Progress,
  recordContact,
} from '../progress.ts';
import { majorityValue } from '../quorum.ts';
import {
  type Leader,
  leaderOf,
  type Proposal,
  type RaftState,
  type ReadLog,
  type Refusal,
} from '../state.ts';
import { type Entry, type EntryKind, isVoter, type ReplicaKey, voterOf } from '../types.ts';
import { encodeVoters } from '../voter-set.ts';
import { beginRound } from './reads.ts';
import { replicate, replicateTo, sendHeartbeat } from './replication.ts';
import { abortTransfer, continueTransfer, leaveWhenRemoved, resign, transferTick } from './transfer.ts';

const nothing = new Uint8Array(0);

export function becomeLeader(state: RaftState): void {
  assert(state.role.name === 'candidate', 'a leader was elected');
  const startOffset = state.log.endOffset;
  const progress = new Map<NodeId, Progress>();
  for (const id of state.peers()) progress.set(id, newProgress(id, startOffset, state.nowMs));
  const votersHeardMs = new Map(state.voters.current.map(({ id }) => [id, state.nowMs]));
  state.epochLeader = state.options.me;
  state.role = {
    name: 'leader',
    startOffset,
    progress,
    votersHeardMs,
    sinceMs: state.nowMs,
    deadlineMs: state.nowMs + state.options.heartbeatMs,
    uncommitted: [],
    uncommittedBytes: 0,
    transfer: null,
    transfersFailed: new Set(),
    round: 0,
    reads: [],
  };
  const entries = [newEntry(state, startOffset, 'leaderChange', nothing)];
  const voters = state.voters.current;
  if (state.voters.currentOffset < 0 && voters.every((voter) => voter.directoryId !== uuidZero)) {
    // The voter set came with the formatting of the nodes, including directory ids. This entry puts it into the log, from where
    // it can be changed.
    entries.push(newEntry(state, startOffset + 1, 'voters', encodeVoters(voters)));
  }
  appendAsLeader(state, entries);
  replicate(state);
}

export function newEntry(state: RaftState, offset: number, kind: EntryKind, payload: Uint8Array): Entry {
  return { offset, epoch: state.epoch, kind, payload, appendedMs: state.wallMs };
}

export function appendAsLeader(state: RaftState, entries: readonly Entry[]): void {
  const leader = leaderOf(state);
  for (const entry of entries) {
    leader.uncommitted.push({ endOffset: entry.offset + 1, sizeBytes: entry.payload.length });
    leader.uncommittedBytes += entry.payload.length;
  }
  state.appendToLog(entries);
}

export function propose(state: RaftState, proposals: readonly Proposal[]): void {
  const { accepted, refused } = state.effects;
  const entries: Entry[] = [];
  let newBytes = 0;
  for (const proposal of proposals) {
    const sizeBytes = proposal.payload.length;
    const refusal = refuse(state, proposal, newBytes);
    if (refusal !== null) {
      refused.push({ ticket: proposal.ticket, reason: refusal });
      continue;
    }
    const offset = state.log.endOffset + entries.length;
    newBytes += sizeBytes;
    entries.push(newEntry(state, offset, 'data', proposal.payload));
    accepted.push({ ticket: proposal.ticket, offset });
  }
  if (entries.length > 0) appendAsLeader(state, entries);
}

function refuse(state: RaftState, proposal: Proposal, newBytes: number): Refusal | null {
  const role = state.role;
  if (role.name !== 'leader' || proposal.epoch !== state.epoch || role.transfer !== null || state.retired) {
    return 'notLeader';
  }
  const { payloadBytesMax, uncommittedBytesMax } = state.options;
  const sizeBytes = proposal.payload.length;
  if (sizeBytes > payloadBytesMax) return 'tooLarge';
  const waiting = role.uncommittedBytes + newBytes;
  return waiting > 0 && waiting + sizeBytes > uncommittedBytesMax ? 'busy' : null;
}

/**
 * Advances the high watermark to the largest end offset that a majority has on disk, if the last entry below it is of this
 * epoch.
 */
export function maybeCommit(state: RaftState): void {
  const leader = leaderOf(state);
  const { me } = state.options;
  const matches = state.voters.current.map((voter) => {
    if (isVoter(voter, me)) return state.log.stableEndOffset;
    const progress = leader.progress.get(voter.id);
    return progress !== undefined && countsFor(progress, voter) ? progress.match : 0;
  });
  const endOffset = majorityValue(matches);
  if (endOffset > state.highWatermark && state.log.epochAt(endOffset - 1) === state.epoch) {
    commit(state, leader, endOffset);
  }
  leaveWhenRemoved(state, leader);
}

function commit(state: RaftState, leader: Leader, endOffset: number): void {
  state.advanceHighWatermark(endOffset);
  let count = 0;
  for (const waiting of leader.uncommitted) {
    if (waiting.endOffset > endOffset) break;
    leader.uncommittedBytes -= waiting.sizeBytes;
    count += 1;
  }
  leader.uncommitted.splice(0, count);
}

/** The progress of the replica that has sent a message; null when this leader does not replicate to it. */
function progressOf(state: RaftState, from: ReplicaKey): Progress | null {
  const leader = leaderOf(state);
  const known = leader.progress.get(from.id);
  if (known === undefined) return null;
  if (known.directoryId !== null && known.directoryId !== from.directoryId) {
    mark('raft.other-disk');
    // The node has another directory id, so it is a new replica with an empty log. The acknowledgements of the old replica no
    // longer count.
    const fresh = newProgress(from.id, state.log.endOffset, state.nowMs);
    fresh.directoryId = from.directoryId;
    fresh.endpoints = known.endpoints;
    leader.progress.set(from.id, fresh);
    return fresh;
  }
  known.directoryId = from.directoryId;
  return known;
}

/** A replica has responded in this epoch. */
function heard(state: RaftState, from: ReplicaKey, progress: Progress): void {
  recordContact(progress, state.nowMs, state.log.endOffset);
  if (voterOf(state.voters.current, from) !== null) leaderOf(state).votersHeardMs.set(from.id, state.nowMs);
}

export function handleAppendResponse(state: RaftState, from: ReplicaKey, response: AppendResponse): void {
  const progress = progressOf(state, from);
  if (progress === null) return;
  if (response.accepted) accepted(state, progress, response);
  else rejected(state, progress, response);
  heard(state, from, progress);
  maybeCommit(state);
  if (state.role.name === 'leader') continueTransfer(state, state.role);
}

function accepted(state: RaftState, progress: Progress, response: AppendResponse): void {
  if (response.endOffset > state.log.endOffset) return;
  if (response.endOffset > progress.match) {
    progress.match = response.endOffset;
    progress.next = Math.max(progress.next, progress.match);
    progress.movedMs = state.nowMs;
  }
  if (progress.state === 'replicate') {
    freeInflights(progress);
    if (progress.inflights.length === 0) progress.refused = false;
  } else if (progress.match >= state.log.startOffset) {
    becomeReplicate(progress, state.nowMs);
  }
}

function rejected(state: RaftState, progress: Progress, response: AppendResponse): void {
  if (isStale(state, progress, response) || response.endOffset >= response.baseOffset) return;
  // Continue at the end of the leader's entries whose epoch is at most that of the follower's entry. So each rejection skips a
  // whole epoch instead of one entry.
  const end = state.log.endOfEpoch(response.endEpoch, Math.min(response.endOffset, state.log.endOffset));
  becomeProbe(progress, end.endOffset);
}

/**
 * Whether to ignore a rejection, because it belongs to an earlier append, or repeats one that the leader has handled already.
 */
function isStale(state: RaftState, progress: Progress, response: AppendResponse): boolean {
  if (progress.state === 'snapshot') return true;
  if (progress.state === 'probe') return response.baseOffset !== progress.next;
  if (response.baseOffset <= progress.match) return true;
  // When appends arrive out of order, the follower rejects each one that is in flight. The leader needs to start again only
  // once.
  const isRepeated = state.nowMs - progress.replicatingMs < state.options.heartbeatMs / 8;
  if (isRepeated) {
    mark('raft.refusals-in-a-row');
    progress.refused = true;
  }
  return isRepeated;
}

export function handleHeartbeatResponse(
  state: RaftState,
  from: ReplicaKey,
  { round }: HeartbeatResponse,
): void {
  const progress = progressOf(state, from);
  // A round that has not begun confirms nothing.
  if (progress === null || round > leaderOf(state).round) return;
  progress.round = Math.max(progress.round, round);
  heard(state, from, progress);
  progress.probeSent = false;
  const silentMs = state.nowMs - progress.movedMs;
  if (
    progress.state === 'replicate' &&
    progress.match < progress.next &&
    (progress.refused || silentMs > 2 * state.options.heartbeatMs)
  ) {
    // The follower responds to heartbeats, but it rejected appends or has acknowledged none for long. Messages were lost, or
    // its disk is slow; the leader cannot know which. To send the next entries again costs little.
    becomeProbe(progress, progress.match);
    progress.movedMs = state.nowMs;
  }
}

export function handleLogRead(state: RaftState, read: ReadLog, entries: readonly Entry[] | null): void {
  const role = state.role;
  if (role.name !== 'leader' || read.epoch !== state.epoch) return;
  const progress = role.progress.get(read.to);
  if (progress === undefined || !progress.reading) return;
  progress.reading = false;
  if (entries === null || progress.next !== read.from) return;
  assert(entries.length > 0, 'a read from disk returns at least one entry, or null');
  replicateTo(state, progress, entries);
}

export function handleSnapshotSent(state: RaftState, to: NodeId, endOffset: number, ok: boolean): void {
  const progress = leaderOf(state).progress.get(to);
  if (progress === undefined || progress.state !== 'snapshot') return;
  becomeProbe(progress, ok ? endOffset : progress.match);
  // Sends no append now: the response to the next heartbeat, or an acknowledgement of the snapshot, continues the replication.
  progress.probeSent = true;
}

export function linkChanged(state: RaftState, peer: NodeId, up: boolean): void {
  const progress = leaderOf(state).progress.get(peer);
  if (progress === undefined) return;
  progress.linkDown = !up;
  if (progress.state !== 'snapshot')
    becomeProbe(progress, progress.match > 0 ? progress.match : progress.next);
  if (up) sendHeartbeat(state, progress);
  const leader = leaderOf(state);
  if (!up && leader.transfer?.target === peer) abortTransfer(state, leader);
}

/** Sends due heartbeats, and checks whether a majority still responds to them. */
export function leaderTick(state: RaftState): void {
  const leader = leaderOf(state);
  const { heartbeatMs } = state.options;
  const lateMs = state.nowMs - leader.deadlineMs;
  leader.deadlineMs = state.nowMs + heartbeatMs;
  beginRound(state, leader);
  for (const progress of leader.progress.values()) sendHeartbeat(state, progress);
  transferTick(state, leader);
  // This tick is late, so the process was paused. Responses may have arrived that were not read yet: check at the next
  // heartbeat.
  if (lateMs > heartbeatMs) mark('raft.late-tick');
  else if (state.role.name === 'leader') checkQuorum(state, state.role);
}

function checkQuorum(state: RaftState, leader: Leader): void {
  const heardMs = state.voters.current.map((voter) => {
    if (isVoter(voter, state.options.me)) return state.nowMs;
    return leader.votersHeardMs.get(voter.id) ?? 0;
  });
  const silentMs = state.nowMs - majorityValue(heardMs);
  if (silentMs <= state.options.fetchTimeoutMs * 1.5) return;
  mark('raft.no-majority-heard');
  resign(state, leader);
}

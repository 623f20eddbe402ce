/**
 * The consensus core of one replica: `step(now, inputs)` returns effects. It is synchronous and has no I/O, no timers and no
 * random numbers except the injected ones, so that a simulation can run and replay it. The driver calls it again at
 * `deadlineMs` at the latest.
 *
 * This file compares the epoch of every message and then passes it to the role: `role/election.ts`, `role/follower.ts`,
 * `role/leader.ts`, `role/replication.ts`.
 */
import { assert, assertNever } from '../base/assert.ts';
import type { NodeId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import type { RaftMessage } from './messages.ts';
import {
  electionTimedOut,
  handleResignation,
  handleVoteRequest,
  handleVoteResponse,
  linkDown,
  linkUp,
  ownVotePersisted,
  scheduleFirstElection,
} from './role/election.ts';
import { handleAppend, handleHeartbeat, handleSnapshot, handleTimeoutNow } from './role/follower.ts';
import {
  handleAppendResponse,
  handleHeartbeatResponse,
  handleLogRead,
  handleSnapshotSent,
  leaderTick,
  linkChanged,
  maybeCommit,
  propose,
} from './role/leader.ts';
import { changeVoters, dropSilentLearners, handleJoin } from './role/membership.ts';
import { driveReads, readBarrier } from './role/reads.ts';
import { replicate } from './role/replication.ts';
import { retireLeader } from './role/transfer.ts';
import { becomeFollower, becomeUnattached } from './role/transitions.ts';
import { leads, mayLead, mayTellEpoch } from './role/trust.ts';
import {
  type Effects,
  type Input,
  newEffects,
  type Now,
  type Proposal,
  type RaftOptions,
  RaftState,
  type Recovered,
} from './state.ts';
import type { Entry, ReplicaKey, SnapshotMeta, Voter } from './types.ts';

export class RaftCore {
  readonly state: RaftState;

  /**
   * `bootstrapVoters`: the voters to use until the log or a snapshot has a voter set; empty on a node that will be added as a
   * voter later. After the constructor, the driver passes the recovered entries to `restore` and then calls `begin`.
   */
  constructor(options: RaftOptions, random: Random, recovered: Recovered, bootstrapVoters: readonly Voter[]) {
    this.state = new RaftState(options, random, recovered, bootstrapVoters);
  }

  restore(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.state.log.restore(entry);
      if (entry.offset > this.state.voters.currentOffset) this.state.voters.append(entry);
    }
  }

  begin(now: Now): void {
    const { state } = this;
    assert(state.highWatermark <= state.log.endOffset, 'the high watermark was stored ahead of its entries');
    assert(state.log.lastEpoch <= state.epoch, 'an entry was stored ahead of its epoch');
    state.nowMs = now.monotonicMs;
    state.wallMs = now.wallMs;
    scheduleFirstElection(state);
  }

  /** The monotonic time at which the driver must call `step` at the latest, even without input. */
  get deadlineMs(): number {
    return this.state.role.deadlineMs;
  }

  /** Exclusive end of the entries that are committed and on this replica's disk; these may be applied. */
  get deliverableEndOffset(): number {
    return Math.min(this.state.highWatermark, this.state.log.stableEndOffset);
  }

  get leaderId(): NodeId | null {
    return this.state.leaderId;
  }

  /** Whether this replica follows `key` in the present epoch. */
  follows(key: ReplicaKey): boolean {
    return this.state.role.name === 'follower' && leads(this.state, key);
  }

  step(now: Now, inputs: readonly Input[]): Effects {
    const { state } = this;
    assert(now.monotonicMs >= state.nowMs, 'time goes back');
    state.nowMs = now.monotonicMs;
    state.wallMs = now.wallMs;
    let proposals: Proposal[] = [];
    for (const input of inputs) {
      if (input.type === 'propose') {
        proposals.push(input);
        continue;
      }
      if (proposals.length > 0) propose(state, proposals);
      proposals = [];
      dispatch(state, input);
    }
    if (proposals.length > 0) propose(state, proposals);
    if (state.nowMs >= state.role.deadlineMs) timeout(state);
    replicate(state);
    driveReads(state);
    const effects = state.effects;
    state.effects = newEffects();
    return effects;
  }
}

function dispatch(state: RaftState, input: Exclude<Input, Proposal>): void {
  switch (input.type) {
    case 'tick':
      return;
    case 'message':
      handleMessage(state, input.from, input.message);
      return;
    case 'linkUp':
    case 'linkDown':
      if (state.role.name === 'leader') linkChanged(state, input.peer, input.type === 'linkUp');
      else if (input.type === 'linkUp') linkUp(state);
      else linkDown(state, input.peer);
      return;
    case 'persisted':
      state.log.persisted(input.seq);
      ownVotePersisted(state);
      if (state.role.name === 'leader') maybeCommit(state);
      return;
    case 'changeVoters':
      changeVoters(state, input.ticket, input.change);
      return;
    case 'readBarrier':
      readBarrier(state, input.ticket);
      return;
    case 'logRead':
      handleLogRead(state, input.read, input.entries);
      return;
    case 'snapshotSaved':
      snapshotSaved(state, input.meta);
      return;
    case 'snapshotSent':
      if (state.role.name === 'leader' && input.epoch === state.epoch) {
        handleSnapshotSent(state, input.to, input.endOffset, input.ok);
      }
      return;
    case 'retire':
      state.retired = true;
      if (state.role.name === 'leader') retireLeader(state, state.role);
      return;
    default:
      assertNever(input);
  }
}

function timeout(state: RaftState): void {
  if (state.role.name !== 'leader') electionTimedOut(state);
  else {
    dropSilentLearners(state, state.role);
    leaderTick(state);
  }
}

/**
 * Compares epochs before the role handles the message: a later epoch ends this replica's role, and a stale message is dropped.
 * For vote requests and joins their own handlers do this.
 */
function handleMessage(state: RaftState, from: ReplicaKey, message: RaftMessage): void {
  if (from.id === state.options.me.id) return;
  if (message.type === 'vote') {
    handleVoteRequest(state, from, message);
    return;
  }
  if (message.type === 'join') {
    handleJoin(state, from, message);
    return;
  }
  if (message.epoch > state.epoch) {
    if (!mayTellEpoch(state, from, message)) return;
    becomeUnattached(state, message.epoch, 0);
  }
  if (message.type === 'voted' && message.preVote) {
    // Pre-votes do not change the epoch, so the response may have an earlier one.
    handleVoteResponse(state, from, message);
    return;
  }
  const fromLeader = message.type === 'append' || message.type === 'heartbeat' || message.type === 'snapshot';
  if (message.epoch < state.epoch) {
    // A leader of an earlier epoch must get this replica's epoch, so that it steps down. Otherwise this replica would neither
    // follow that leader nor be elected while the leader is alive.
    if (fromLeader) state.send(from.id, { type: 'alive', epoch: state.epoch, round: 0 });
    return;
  }
  if (fromLeader && !follow(state, from)) return;
  handleInEpoch(state, from, message);
}

/** Returns whether this replica follows `from`, which claims to lead the present epoch. */
function follow(state: RaftState, from: ReplicaKey): boolean {
  if (!mayLead(state, from)) return false;
  if (state.role.name !== 'follower' || !leads(state, from)) becomeFollower(state, from);
  return true;
}

function handleInEpoch(
  state: RaftState,
  from: ReplicaKey,
  message: Exclude<RaftMessage, { type: 'vote' | 'join' }>,
): void {
  switch (message.type) {
    case 'voted':
      handleVoteResponse(state, from, message);
      return;
    case 'append':
      handleAppend(state, from, message);
      return;
    case 'heartbeat':
      handleHeartbeat(state, from, message);
      return;
    case 'snapshot':
      handleSnapshot(state, from.id, message);
      return;
    case 'timeoutNow':
      handleTimeoutNow(state, from);
      return;
    case 'resign':
      handleResignation(state, from, message);
      return;
    case 'appended':
      if (state.role.name === 'leader') handleAppendResponse(state, from, message);
      return;
    case 'alive':
      if (state.role.name === 'leader') handleHeartbeatResponse(state, from, message);
      return;
    default:
      assertNever(message);
  }
}

/**
 * A snapshot is durable, so the entries in it are removed from the log, except the last `trailingEntries` of them: followers
 * that are a little behind get these and need no snapshot.
 */
function snapshotSaved(state: RaftState, meta: SnapshotMeta): void {
  if (meta.endOffset <= state.snapshotEndOffset) return;
  assert(meta.endOffset <= state.highWatermark, 'a snapshot holds committed entries only');
  state.snapshotEndOffset = meta.endOffset;
  const compactTo = meta.endOffset - state.options.trailingEntries;
  if (compactTo <= state.log.startOffset) return;
  state.voters.compact(compactTo);
  state.log.compact(compactTo);
  const seq = state.log.beginWrite(state.log.endOffset);
  state.effects.writes.push({ seq, hardState: state.hardState(), entries: [], install: null, compactTo });
}

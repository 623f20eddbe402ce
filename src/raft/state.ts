/**
 * State of the consensus core, its inputs and its effects. Only `core.ts` and the functions in `role/` change the state.
 *
 * Invariants: epoch and highWatermark never decrease; highWatermark <= log.endOffset; in one epoch a replica casts one vote and
 * follows one leader (`role/trust.ts` has an exception).
 */
import { assert } from '../base/assert.ts';
import type { NodeId } from '../base/ids.ts';
import { below, type Random } from '../base/random.ts';
import { RaftLog } from './log.ts';
import type { JoinRequest, Outbound, RaftMessage } from './messages.ts';
import type { Progress } from './progress.ts';
import type { WriteOp } from './store.ts';
import {
  type Endpoint,
  type Entry,
  type HardState,
  type ReplicaKey,
  type SnapshotMeta,
  type Voter,
  voterOf,
} from './types.ts';
import { VoterHistory, votersInForce } from './voters.ts';

export interface RaftOptions {
  readonly me: ReplicaKey;
  /** The endpoints of this replica, which it sends when it asks for the log. */
  readonly endpoints: readonly Endpoint[];
  /**
   * `controller.quorum.election.timeout.ms`: a campaign ends after this time plus a random time of up to as much. A pause
   * between campaigns is at most as long.
   */
  readonly electionTimeoutMs: number;
  /**
   * `controller.quorum.fetch.timeout.ms`: without messages a follower gives up its leader after this time plus a random time of
   * up to half as much, and a leader steps down after one and a half times this time.
   */
  readonly fetchTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly appendBytesMax: number;
  readonly inflightCountMax: number;
  readonly inflightBytesMax: number;
  readonly uncommittedBytesMax: number;
  readonly payloadBytesMax: number;
  readonly cacheBytesMax: number;
  /** How many entries before the end of a snapshot stay in the log, for followers that are a little behind. */
  readonly trailingEntries: number;
  /** Maximum number of learners: replicas that are not voters and receive the log from this leader. */
  readonly learnersMax: number;
  /** Maximum number of reads that wait for a majority to confirm this leader. */
  readonly readsMax: number;
}

/** Complete options: Kafka's defaults for the time-outs, and bounds that only this implementation has. */
export function raftOptions(me: ReplicaKey, overrides: Partial<RaftOptions> = {}): RaftOptions {
  const fetchTimeoutMs = overrides.fetchTimeoutMs ?? 2000;
  return {
    me,
    endpoints: [],
    electionTimeoutMs: 1000,
    fetchTimeoutMs,
    // Eight heartbeats within the time-out, so that a few that are lost or late do not end a leadership.
    heartbeatMs: Math.max(10, Math.floor(fetchTimeoutMs / 8)),
    appendBytesMax: 256 * 1024,
    inflightCountMax: 64,
    inflightBytesMax: 4 * 1024 * 1024,
    uncommittedBytesMax: 32 * 1024 * 1024,
    payloadBytesMax: 8 * 1024 * 1024,
    cacheBytesMax: 8 * 1024 * 1024,
    trailingEntries: 10_000,
    learnersMax: 64,
    readsMax: 10_000,
    ...overrides,
  };
}

/** The time of a step. */
export interface Now {
  readonly monotonicMs: number;
  /** The core uses it only as the timestamp of entries. */
  readonly wallMs: number;
}

export interface Proposal {
  readonly type: 'propose';
  readonly ticket: number;
  readonly epoch: number;
  readonly payload: Uint8Array;
}

/** A change of the voter set, one voter at a time. */
export type VoterChange =
  | { readonly kind: 'add'; readonly voter: Voter }
  | { readonly kind: 'remove'; readonly voter: ReplicaKey }
  /** Other endpoints of an existing voter. */
  | { readonly kind: 'update'; readonly voter: Voter }
  /**
   * From static voters (in the configuration) to dynamic ones: appends the present voter set, with directory ids, to the log.
   */
  | { readonly kind: 'upgrade' };

export type Input =
  | { readonly type: 'tick' }
  | { readonly type: 'message'; readonly from: ReplicaKey; readonly message: RaftMessage }
  /** A stream to `peer` was opened or broke. These hints change only how soon elections begin and what a leader sends next. */
  | { readonly type: 'linkUp' | 'linkDown'; readonly peer: NodeId }
  | Proposal
  | { readonly type: 'changeVoters'; readonly ticket: number; readonly change: VoterChange }
  /** A linearizable read. The effect `readReady` answers it when a majority has confirmed this leader after the request. */
  | { readonly type: 'readBarrier'; readonly ticket: number }
  /** All writes up to `seq` are durable. */
  | { readonly type: 'persisted'; readonly seq: number }
  /** The result of the effect `readLog`; null when the entries were removed after a snapshot. */
  | { readonly type: 'logRead'; readonly read: ReadLog; readonly entries: readonly Entry[] | null }
  /** This replica's own snapshot is durable. */
  | { readonly type: 'snapshotSaved'; readonly meta: SnapshotMeta }
  | {
      readonly type: 'snapshotSent';
      readonly to: NodeId;
      readonly epoch: number;
      readonly endOffset: number;
      readonly ok: boolean;
    }
  /** The node shuts down: it hands over its leadership and never campaigns again. */
  | { readonly type: 'retire' };

export interface ReadLog {
  readonly to: NodeId;
  readonly epoch: number;
  readonly from: number;
  readonly endOffset: number;
  readonly bytesMax: number;
}

export type Refusal =
  | 'notLeader'
  | 'busy'
  | 'tooLarge'
  /** The last voter set is not committed yet. */
  | 'changePending'
  /** No entry of this leader's epoch is committed yet. */
  | 'notReady'
  /**
   * The leader does not replicate to the new voter, the new voter is behind, or the directory id of a static voter is unknown.
   */
  | 'notCaughtUp'
  | 'duplicateVoter'
  | 'unknownVoter'
  /** The voters come from the configuration (kraft.version 0). */
  | 'staticVoters'
  | 'lastVoter';

/**
 * What the driver does after a step, in this order: it queues `writes`, sends the messages in `send`, keeps each message of
 * `sendAfter` until the write `seq` is durable, and then carries out the rest.
 */
export interface Effects {
  readonly writes: WriteOp[];
  readonly send: Outbound[];
  readonly sendAfter: { readonly seq: number; readonly outbound: Outbound }[];
  readonly readLog: ReadLog[];
  readonly sendSnapshot: { readonly to: NodeId; readonly epoch: number }[];
  readonly accepted: { readonly ticket: number; readonly offset: number }[];
  readonly refused: { readonly ticket: number; readonly reason: Refusal }[];
  /** Reads that may be answered from the state below `endOffset`, which has all that was committed when they were requested. */
  readonly readReady: { readonly ticket: number; readonly endOffset: number }[];
  /** A message for the bootstrap servers, whose node ids are unknown. At most one. */
  readonly announce: JoinRequest[];
  /** The sender of a message that this replica has ignored, and the reason (`role/trust.ts`). At most one. */
  readonly refusedMessages: { readonly from: ReplicaKey; readonly reason: string }[];
}

export function newEffects(): Effects {
  return {
    writes: [],
    send: [],
    sendAfter: [],
    readLog: [],
    sendSnapshot: [],
    accepted: [],
    refused: [],
    readReady: [],
    announce: [],
    refusedMessages: [],
  };
}

/**
 * No leader is known. The name `resigned` means that this replica may have been the leader of this epoch, which it never
 * becomes again; apart from that, both are the same.
 */
export interface Unattached {
  readonly name: 'unattached' | 'resigned';
  deadlineMs: number;
  attempts: number;
}

export interface Follower {
  readonly name: 'follower';
  readonly leaderId: NodeId;
  contactMs: number;
  /** The leader's stream broke, and no message has come since: the leader has probably ended. */
  linkDown: boolean;
  deadlineMs: number;
}

/** The replica sends pre-vote requests. It keeps its epoch and its leader, which may still be alive. */
export interface Prospective {
  readonly name: 'prospective';
  readonly leaderId: NodeId | null;
  readonly nonce: number;
  readonly granted: Set<NodeId>;
  readonly rejected: Set<NodeId>;
  readonly attempts: number;
  deadlineMs: number;
}

export interface Candidate {
  readonly name: 'candidate';
  readonly nonce: number;
  readonly granted: Set<NodeId>;
  readonly rejected: Set<NodeId>;
  readonly attempts: number;
  /** The number of the write that contains the candidate's vote for itself. The vote counts when the write is durable. */
  readonly ownVoteSeq: number;
  deadlineMs: number;
}

export interface Leader {
  readonly name: 'leader';
  /** Offset of the first entry of this epoch. */
  readonly startOffset: number;
  readonly progress: Map<NodeId, Progress>;
  /**
   * Monotonic time at which each voter last responded; before its first response, the time at which this replica was elected.
   * It is apart from `progress`, which another directory of the voter's node can replace.
   */
  readonly votersHeardMs: Map<NodeId, number>;
  /** Monotonic time at which this replica was elected. */
  readonly sinceMs: number;
  deadlineMs: number;
  /** Sizes and end offsets of the entries at and above the high watermark. */
  uncommitted: { endOffset: number; sizeBytes: number }[];
  uncommittedBytes: number;
  transfer: { readonly target: NodeId; readonly deadlineMs: number; sent: boolean } | null;
  /** Voters that were selected to take over the leadership and did not. */
  readonly transfersFailed: Set<NodeId>;
  /** The number of the last round of heartbeats (`role/reads.ts`). */
  round: number;
  /** The waiting reads in the order of their arrival. `round` 0: no round has begun for the read. */
  readonly reads: { readonly ticket: number; round: number; endOffset: number }[];
}

export type Role = Unattached | Follower | Prospective | Candidate | Leader;

export interface Recovered {
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta | null;
  readonly startOffset: number;
  readonly startEpoch: number;
}

export function leaderOf(state: RaftState): Leader {
  assert(state.role.name === 'leader', 'only a leader does this');
  return state.role;
}

export class RaftState {
  readonly options: RaftOptions;
  readonly random: Random;
  readonly log: RaftLog;
  readonly voters: VoterHistory;
  readonly configuredVoters: readonly Voter[];
  nowMs = 0;
  wallMs = 0;
  epoch: number;
  votedFor: ReplicaKey | null;
  highWatermark: number;
  role: Role;
  /** The replica that leads or has led the present epoch; null: none is known. It is not stored, so a restart forgets it. */
  epochLeader: ReplicaKey | null = null;
  /** Monotonic time at which this replica last received a message from a leader, or led. At first the time of its start. */
  leaderSeenMs = 0;
  retired = false;
  /** End offset of the newest snapshot. The write that installs a snapshot of the leader may still be pending. */
  snapshotEndOffset: number;
  /** Incremented when the learners of this leader, or their endpoints, change. */
  learnersVersion = 0;
  effects: Effects = newEffects();

  constructor(options: RaftOptions, random: Random, recovered: Recovered, bootstrapVoters: readonly Voter[]) {
    this.options = options;
    this.random = random;
    this.log = new RaftLog(options.cacheBytesMax);
    this.log.reset(recovered.startOffset, recovered.startEpoch);
    this.voters = new VoterHistory(bootstrapVoters);
    const { snapshot, hardState } = recovered;
    if (snapshot !== null) {
      this.voters.reset(votersInForce(snapshot.voters, bootstrapVoters), snapshot.endOffset);
    }
    this.configuredVoters = bootstrapVoters;
    this.snapshotEndOffset = snapshot?.endOffset ?? 0;
    this.epoch = hardState.epoch;
    this.votedFor = hardState.votedFor;
    this.highWatermark = Math.max(hardState.highWatermark, this.snapshotEndOffset);
    const mayHaveLed = hardState.votedFor?.id === options.me.id;
    this.role = { name: mayHaveLed ? 'resigned' : 'unattached', deadlineMs: 0, attempts: 0 };
  }

  get leaderId(): NodeId | null {
    const role = this.role;
    if (role.name === 'leader') return this.options.me.id;
    return role.name === 'follower' || role.name === 'prospective' ? role.leaderId : null;
  }

  get amVoter(): boolean {
    return voterOf(this.voters.current, this.options.me) !== null;
  }

  /** The other voters. */
  peers(): NodeId[] {
    return this.voters.current.filter((voter) => voter.id !== this.options.me.id).map((voter) => voter.id);
  }

  randomMs(bound: number): number {
    return below(this.random, Math.max(1, Math.floor(bound)));
  }

  send(to: NodeId, message: RaftMessage): void {
    this.effects.send.push({ to, message });
  }

  /** Sends a message that promises something: it is sent after all writes that were requested so far are durable. */
  sendDurably(to: NodeId, message: RaftMessage): void {
    const seq = this.log.lastSeq;
    if (seq <= this.log.persistedSeq) this.send(to, message);
    else this.effects.sendAfter.push({ seq, outbound: { to, message } });
  }

  hardState(): HardState {
    return { epoch: this.epoch, votedFor: this.votedFor, highWatermark: this.highWatermark };
  }

  /** Writes the changed epoch or vote; returns the number of the write. */
  writeHardState(): number {
    const seq = this.log.beginWrite(this.log.endOffset);
    this.effects.writes.push({
      seq,
      hardState: this.hardState(),
      entries: [],
      install: null,
      compactTo: null,
    });
    return seq;
  }

  appendToLog(entries: readonly Entry[]): void {
    const first = entries[0] as Entry;
    assert(first.offset >= this.highWatermark, 'what is committed is never replaced');
    assert(
      entries.every((entry) => entry.epoch <= this.epoch),
      'no entry is of a later epoch than its replica',
    );
    this.voters.truncate(first.offset);
    const seq = this.log.append(entries);
    for (const entry of entries) this.voters.append(entry);
    this.effects.writes.push({ seq, hardState: this.hardState(), entries, install: null, compactTo: null });
  }

  advanceHighWatermark(to: number): void {
    assert(to <= this.log.endOffset, 'the high watermark stays within the log');
    if (to > this.highWatermark) this.highWatermark = to;
  }
}

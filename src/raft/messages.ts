/**
 * Messages between replicas. Every message carries the epoch of its sender; requests for a pre-vote carry the epoch
 * that the sender would campaign in. One-way messages: a response is a message of its own, and any of them may be lost,
 * repeated or late. `from` of a message is known from the stream's hello.
 */
import type { NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';
import type { Endpoint, Entry, ReplicaKey, Voter } from './types.ts';
import { isVoterSet } from './voter-set.ts';

export interface VoteRequest {
  readonly type: 'vote';
  readonly epoch: number;
  /** True: a question; the receiver's state does not change. */
  readonly preVote: boolean;
  /** The leader transfers its leadership: voters must not refuse in its favour. */
  readonly transfer: boolean;
  readonly logEndOffset: number;
  readonly lastEpoch: number;
  /** Chosen anew for each campaign and echoed: a response to an earlier incarnation of the candidate does not count. */
  readonly nonce: number;
}

export interface VoteResponse {
  readonly type: 'voted';
  readonly epoch: number;
  readonly preVote: boolean;
  readonly granted: boolean;
  readonly nonce: number;
}

export interface AppendRequest {
  readonly type: 'append';
  readonly epoch: number;
  /** The first entry's offset; the entry before it has `previousEpoch` in the leader's log. */
  readonly baseOffset: number;
  readonly previousEpoch: number;
  readonly highWatermark: number;
  readonly entries: readonly Entry[];
}

export interface AppendResponse {
  readonly type: 'appended';
  readonly epoch: number;
  readonly accepted: boolean;
  /** `baseOffset` of the request. */
  readonly baseOffset: number;
  /** Accepted: below this offset the follower's durable log equals the leader's. Rejected: the leader should continue here. */
  readonly endOffset: number;
  /** Rejected: epoch of the follower's entry before `endOffset`. */
  readonly endEpoch: number;
}

export interface Heartbeat {
  readonly type: 'heartbeat';
  readonly epoch: number;
  /** Directory id of the receiver that is meant; zero while the leader does not know it. */
  readonly directoryId: Uuid;
  /** Exclusive end of what that replica has acknowledged: when its log is shorter, its disk has lost data. */
  readonly match: number;
  /** At most what this follower is known to hold. */
  readonly highWatermark: number;
  /** False: the message only carries the high watermark. */
  readonly reply: boolean;
  /** Counts the leader's rounds in its epoch, for reads: an answer confirms all that was asked for before the round began. */
  readonly round: number;
}

export interface HeartbeatResponse {
  readonly type: 'alive';
  readonly epoch: number;
  /** That of the heartbeat. */
  readonly round: number;
}

/** The leader transfers its leadership: campaign now. */
export interface TimeoutNow {
  readonly type: 'timeoutNow';
  readonly epoch: number;
}

/** The leader resigns and no voter took over: campaign, the first of `successors` first. */
export interface Resignation {
  readonly type: 'resign';
  readonly epoch: number;
  /** Those with the longest logs first. */
  readonly successors: readonly NodeId[];
}

/**
 * A controller asks to be sent the log: it is no voter, or does not know that it was removed. A receiver that is not the leader
 * forwards it to the leader. A receiver does not adopt its epoch.
 */
export interface JoinRequest {
  readonly type: 'join';
  readonly epoch: number;
  readonly replica: ReplicaKey;
  readonly endpoints: readonly Endpoint[];
}

/** A whole snapshot; the transport cuts it into chunks and puts it together again. */
export interface InstallSnapshot {
  readonly type: 'snapshot';
  readonly epoch: number;
  readonly endOffset: number;
  readonly snapshotEpoch: number;
  readonly voters: readonly Voter[];
  readonly bytes: Uint8Array;
}

export type RaftMessage =
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | Heartbeat
  | HeartbeatResponse
  | TimeoutNow
  | Resignation
  | JoinRequest
  | InstallSnapshot;

/** What travels on a stream as it is (proto/raft.proto); snapshots are cut into chunks. */
export type StreamedMessage = Exclude<RaftMessage, InstallSnapshot>;

/** What is wrong with a message of a peer beyond the types of its fields; null: nothing. The core relies on it. */
export function faultOf(message: StreamedMessage): string | null {
  return message.type === 'append' ? entriesFault(message.entries, message.baseOffset) : null;
}

/** Entries are contiguous, and voter sets among them can be read. */
export function entriesFault(entries: readonly Entry[], baseOffset: number): string | null {
  let next = baseOffset;
  for (const { offset, kind, payload } of entries) {
    if (offset !== next) return `an entry has offset ${offset} where ${next} is next`;
    next += 1;
    if (kind === 'voters' && !isVoterSet(payload)) return `the voter set at offset ${offset} cannot be read`;
  }
  return null;
}

export interface Outbound {
  readonly to: NodeId;
  readonly message: RaftMessage;
}

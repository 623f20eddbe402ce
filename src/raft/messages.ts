/**
 * Messages between replicas. Every message has the epoch of its sender; a pre-vote request has the epoch in which the sender would
 * campaign. Messages are one-way: a response is a separate message, and any message may be lost, duplicated or delayed. The
 * sender's identity comes from the stream's hello.
 */
import type { NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';
import type { Endpoint, Entry, ReplicaKey, Voter } from './types.ts';
import { isVoterSet } from './voter-set.ts';

export interface VoteRequest {
  readonly type: 'vote';
  readonly epoch: number;
  /** True: the receiver only answers whether it would vote; its state does not change. */
  readonly preVote: boolean;
  /** The leader transfers its leadership to the candidate, so voters grant the vote although they hear the leader. */
  readonly transfer: boolean;
  readonly logEndOffset: number;
  readonly lastEpoch: number;
  /** Chosen for each campaign and returned in responses: a response to an earlier incarnation of the candidate is ignored. */
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
  /** Offset of the first entry. The entry before it has `previousEpoch` in the leader's log. */
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
  /**
   * Accepted: below this offset the follower's durable log equals the leader's. Rejected: the offset at which the leader should
   * continue.
   */
  readonly endOffset: number;
  /** If rejected: the epoch of the follower's entry before `endOffset`. */
  readonly endEpoch: number;
}

export interface Heartbeat {
  readonly type: 'heartbeat';
  readonly epoch: number;
  /** Directory id of the intended receiver; zero while the leader does not know it. */
  readonly directoryId: Uuid;
  /** Exclusive end of the entries that this replica has acknowledged: when its log is shorter, its disk has lost data. */
  readonly match: number;
  /** At most the end of what this follower is known to have. */
  readonly highWatermark: number;
  /** False: no response is needed; the message only brings the high watermark. */
  readonly reply: boolean;
  /**
   * The number of the leader's round in its epoch, for reads: a response confirms all reads that were requested before the round
   * began.
   */
  readonly round: number;
}

export interface HeartbeatResponse {
  readonly type: 'alive';
  readonly epoch: number;
  /** The round of the heartbeat. */
  readonly round: number;
}

/** The leader transfers its leadership: campaign now. */
export interface TimeoutNow {
  readonly type: 'timeoutNow';
  readonly epoch: number;
}

/** The leader resigns and no voter took over: voters should campaign, the first of `successors` first. */
export interface Resignation {
  readonly type: 'resign';
  readonly epoch: number;
  /** Voters in the order of their logs' lengths, the longest first. */
  readonly successors: readonly NodeId[];
}

/**
 * A controller asks to receive the log: it is not a voter, or does not know that it was removed. A receiver that is not the leader
 * forwards it to the leader. A receiver does not adopt its epoch.
 */
export interface JoinRequest {
  readonly type: 'join';
  readonly epoch: number;
  readonly replica: ReplicaKey;
  readonly endpoints: readonly Endpoint[];
}

/** A whole snapshot; the transport splits it into chunks and joins them again. */
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

/** Messages that are sent unchanged on a stream (proto/raft.proto); snapshots are split into chunks. */
export type StreamedMessage = Exclude<RaftMessage, InstallSnapshot>;

/** Why a peer's message is invalid beyond the types of its fields; null: it is valid. The core relies on this check. */
export function faultOf(message: StreamedMessage): string | null {
  const fault = epochFault(message.epoch);
  if (fault !== null) return fault;
  switch (message.type) {
    case 'append':
      return (
        epochFault(message.previousEpoch, message.epoch) ??
        entriesFault(message.entries, message.baseOffset, message.epoch)
      );
    case 'vote':
      return epochFault(message.lastEpoch, message.epoch);
    default:
      return null;
  }
}

/**
 * Epochs have 32 bits in Kafka's protocol and ten digits in the names of snapshots, so a snapshot with a larger epoch would not be
 * found.
 */
const epochMax = 0x7fff_ffff;

/** `max`: for an epoch inside a message, the epoch of the message. */
export function epochFault(epoch: number, max: number = epochMax): string | null {
  return epoch >= 0 && epoch <= max ? null : `epoch ${epoch} is not between 0 and ${max}`;
}

/** Checks that entries are contiguous and of no later epoch than the message, and that voter sets among them can be decoded. */
export function entriesFault(
  entries: readonly Entry[],
  baseOffset: number,
  epochOfMessage: number = epochMax,
): string | null {
  let next = baseOffset;
  for (const { offset, epoch, kind, payload } of entries) {
    if (offset !== next) return `an entry has offset ${offset} where ${next} is next`;
    const fault = epochFault(epoch, epochOfMessage);
    if (fault !== null) return fault;
    next += 1;
    if (kind === 'voters' && !isVoterSet(payload)) return `the voter set at offset ${offset} cannot be read`;
  }
  return null;
}

export interface Outbound {
  readonly to: NodeId;
  readonly message: RaftMessage;
}

/**
 * Messages between the replicas of the quorum. `epoch` is the sender's epoch; in a pre-vote request, the epoch in which the
 * sender would campaign. Each message is sent one way: a response is a message of its own, and any message may be lost,
 * duplicated or delayed. The receiver knows the sender from the hello message at the beginning of the stream.
 */
import type { NodeId } from '../base/ids.ts';
import type { Uuid } from '../base/uuid.ts';
import type { Endpoint, Entry, ReplicaKey, Voter } from './types.ts';
import { isVoterSet } from './voter-set.ts';

export interface VoteRequest {
  readonly type: 'vote';
  readonly epoch: number;
  /** True: the receiver only answers whether it would vote. Its epoch and its vote do not change. */
  readonly preVote: boolean;
  /** The leader transfers its leadership to the candidate, so voters grant the vote although they hear the leader. */
  readonly transfer: boolean;
  readonly logEndOffset: number;
  readonly lastEpoch: number;
  /**
   * A random number that the candidate chooses for each campaign. Responses repeat it, so that a candidate that was restarted
   * ignores responses to its earlier campaign.
   */
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
  /** The offset of the first entry. `previousEpoch` is the epoch of the entry before it in the leader's log. */
  readonly baseOffset: number;
  readonly previousEpoch: number;
  readonly highWatermark: number;
  readonly entries: readonly Entry[];
}

export interface AppendResponse {
  readonly type: 'appended';
  readonly epoch: number;
  readonly accepted: boolean;
  /** `baseOffset` of the request; in the response to a snapshot, the snapshot's end offset. */
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
  /**
   * The end offset that the receiver has acknowledged. If the receiver has this directory id and a shorter log, its disk has
   * lost data, and it stops. It ignores a sender that it does not know as a voter.
   */
  readonly match: number;
  /** The leader's high watermark, but at most `match`. */
  readonly highWatermark: number;
  /** False: the message only tells the high watermark, and the receiver does not respond. */
  readonly reply: boolean;
  /**
   * The number of the leader's round of heartbeats (`role/reads.ts`). When a majority has responded to a round, all reads that
   * were requested before the round began are confirmed.
   */
  readonly round: number;
}

export interface HeartbeatResponse {
  readonly type: 'alive';
  readonly epoch: number;
  /** `round` of the heartbeat that this message responds to; 0 in the response to a leader of an earlier epoch. */
  readonly round: number;
}

/** The leader transfers its leadership: campaign now. */
export interface TimeoutNow {
  readonly type: 'timeoutNow';
  readonly epoch: number;
}

/**
 * The leader resigns: no majority responds to it any more, or it has to leave and no voter could take over its leadership.
 * Voters should campaign, in the order of `successors`.
 */
export interface Resignation {
  readonly type: 'resign';
  readonly epoch: number;
  /** Voters in the order of their logs' lengths, the longest first. */
  readonly successors: readonly NodeId[];
}

/**
 * A controller asks to receive the log, because it is not a voter or suspects that it was removed from the voters. A receiver
 * that is not the leader forwards the message to the leader. A later `epoch` in it does not change the receiver's epoch.
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

/**
 * What is invalid in the values of a peer's message; null: nothing. Called before the core gets the message; the core relies on
 * this check.
 */
export function faultOf(message: StreamedMessage): string | null {
  const fault = epochFault(message.epoch);
  if (fault !== null) return fault;
  switch (message.type) {
    case 'append':
      return (
        epochFault(message.previousEpoch, message.epoch) ??
        entriesFault(message.entries, message.baseOffset, message.previousEpoch, message.epoch)
      );
    case 'vote':
      return epochFault(message.lastEpoch, message.epoch);
    default:
      return null;
  }
}

/**
 * The largest epoch. Kafka's protocol has 32 bits for an epoch, and the name of a snapshot file has ten digits: a snapshot with
 * a larger epoch would not be found after a restart.
 */
const epochMax = 0x7fff_ffff;

/**
 * What is invalid in `epoch`; null: nothing. `max`: the largest valid value; for an entry in a message, the epoch of the
 * message.
 */
export function epochFault(epoch: number, max: number = epochMax): string | null {
  return epoch >= 0 && epoch <= max ? null : `epoch ${epoch} is not between 0 and ${max}`;
}

/**
 * Checks that entries are contiguous, that their epochs never go back and are no later than that of the message, and that voter
 * sets among them can be decoded.
 */
export function entriesFault(
  entries: readonly Entry[],
  baseOffset: number,
  previousEpoch: number = 0,
  epochOfMessage: number = epochMax,
): string | null {
  let next = baseOffset;
  let earliest = previousEpoch;
  for (const { offset, epoch, kind, payload } of entries) {
    if (offset !== next) return `an entry has offset ${offset} where ${next} is next`;
    const fault = epochFault(epoch, epochOfMessage);
    if (fault !== null) return fault;
    if (epoch < earliest) return `the entry at offset ${offset} has epoch ${epoch} after epoch ${earliest}`;
    earliest = epoch;
    next += 1;
    if (kind === 'voters' && !isVoterSet(payload)) return `the voter set at offset ${offset} cannot be read`;
  }
  return null;
}

export interface Outbound {
  readonly to: NodeId;
  readonly message: RaftMessage;
}

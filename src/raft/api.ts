/**
 * The interface of the metadata quorum for the rest of the node: a log of committed payloads that every node follows, and to
 * which the leader appends. `server/raft/` implements it twice: for controllers (the Raft driver) and for brokers, which only
 * receive the log (observers).
 *
 * Offsets count entries from 0. Entries that Raft needs for itself have an empty payload, and readers skip them. Offsets of
 * single entries and of snapshots are inclusive here; `logEndOffset` and `highWatermark` are exclusive.
 */
import type { NodeId } from '../base/ids.ts';
import type { Address } from '../base/network.ts';
import type { Uuid } from '../base/uuid.ts';
import type { Refusal, VoterChange } from './state.ts';

export interface CommittedEntry {
  readonly offset: number;
  readonly epoch: number;
  /** Empty for Raft's own entries (leader change, voter sets). */
  readonly payload: Uint8Array;
  /** Wall-clock time of the leader when it appended the entry. */
  readonly appendedMs: number;
}

export interface MetadataSnapshot {
  /** The snapshot has the state up to and including the entry at `offset`. */
  readonly offset: number;
  readonly epoch: number;
  readonly bytes: Uint8Array;
}

export interface LeaderView {
  readonly id: NodeId | null;
  readonly epoch: number;
}

/** The methods are called in order, never from within a call to the log. A listener that throws ends the node. */
export interface MetadataLogListener {
  /**
   * Delivers committed entries, in order and without gaps; after a snapshot, from the entry after it. `entries` is never empty.
   */
  onCommit(entries: readonly CommittedEntry[]): void;
  /** Replaces all state. Until the returned promise has resolved, no entries and no other snapshot are delivered. */
  onSnapshot(snapshot: MetadataSnapshot): void | Promise<void>;
  onLeaderChange(leader: LeaderView): void;
  /**
   * This node has become leader in `epoch` and may propose now: its first entry in the epoch, at `startOffset`, is committed,
   * and all entries up to it were passed to `onCommit`.
   */
  onActivated(epoch: number, startOffset: number): void;
  /** The leadership of `epoch` is lost or handed over. Called once after each `onActivated`. */
  onDeactivated(epoch: number): void;
}

/**
 * This node does not lead. Either it refused the request, or it lost the leadership after it had accepted a proposal, whose
 * outcome is then unknown. The caller should ask the leader, `leaderId`; null: this node knows no leader.
 */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError';
  readonly leaderId: NodeId | null;
  readonly epoch: number;

  constructor(message: string, leaderId: NodeId | null, epoch: number) {
    super(message);
    this.leaderId = leaderId;
    this.epoch = epoch;
  }
}

/** The leader appended nothing, because too many bytes are uncommitted, or because the payload is larger than the limit. */
export class QuorumBusyError extends Error {
  override readonly name = 'QuorumBusyError';
}

/** A change of the voter set was refused; `reason` says why. */
export class VoterChangeError extends Error {
  override readonly name = 'VoterChangeError';
  readonly reason: Refusal;

  constructor(reason: Refusal) {
    super(`The voters were not changed: ${reason}`);
    this.reason = reason;
  }
}

export interface ReplicaStatus {
  readonly id: NodeId;
  /** `uuidZero` while it is unknown. */
  readonly directoryId: Uuid;
  /** -1 when unknown: only the leader knows the log end offsets of other replicas. */
  readonly logEndOffset: number;
  /** Wall-clock time of the last message from the replica; -1 when unknown. */
  readonly lastFetchMs: number;
  /** Wall-clock time at which the replica last had everything that the leader had; -1 when unknown. */
  readonly lastCaughtUpMs: number;
}

export interface VoterEndpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface VoterStatus extends ReplicaStatus {
  readonly endpoints: readonly VoterEndpoint[];
}

export type QuorumRole =
  | 'unattached'
  | 'follower'
  | 'prospective'
  | 'candidate'
  | 'leader'
  | 'resigned'
  | 'observer';

/** The quorum as this node knows it; on a follower the progress of other replicas is unknown (-1). */
export interface QuorumStatus {
  readonly role: QuorumRole;
  readonly leaderId: NodeId | null;
  readonly epoch: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly voters: readonly VoterStatus[];
  /**
   * The replicas that receive the log from this node without being voters: brokers, and controllers outside of the voter set.
   * On a broker that is not a controller: the broker itself.
   */
  readonly observers: readonly ReplicaStatus[];
}

export interface MetadataLog {
  /** Must be called before `start`. Listeners are called in the order in which they were added. */
  addListener(listener: MetadataLogListener): void;
  /**
   * Recovers from disk, delivers the snapshot and the entries that are known to be committed to the listeners, and joins the
   * quorum. Rejects when what is on disk is damaged or was written by a later release.
   */
  start(): Promise<void>;
  /**
   * Appends an entry if this node leads in `epoch`. Resolves to the entry's offset when it is committed and delivered to the
   * listeners. Rejects with `NotLeaderError` when this node does not lead in `epoch` or loses the leadership before the commit,
   * with `QuorumBusyError` when too much is uncommitted.
   */
  propose(payload: Uint8Array, epoch: number): Promise<number>;
  /**
   * Changes the voter set. Only the leader does this; it appends the new set and resolves to the offset of that entry when it
   * is committed. Rejects with `VoterChangeError` when the change is refused, with `NotLeaderError` when this node does not
   * lead or loses the leadership before the commit.
   */
  changeVoters(change: VoterChange): Promise<number>;
  /**
   * Makes a read linearizable. On the leader it resolves when a majority has confirmed, after the call, that no later leader
   * was elected, and when all entries that were committed at the time of the call have been delivered to the listeners. The
   * value is an end offset that covers these entries. Rejects with `NotLeaderError`, or with `QuorumBusyError` when too many
   * reads wait.
   */
  readBarrier(): Promise<number>;
  /**
   * Makes a snapshot of the state up to and including `offset` durable. Afterwards the entries that it contains may be removed.
   */
  saveSnapshot(offset: number, epoch: number, bytes: Uint8Array): Promise<void>;
  status(): QuorumStatus;
  leader(): LeaderView;
  /** The first endpoint of a voter; null when it is unknown. */
  addressOf(id: NodeId): Address | null;
  /** Hands over the leadership if possible, then stops. Idempotent. */
  shutdown(): Promise<void>;
}

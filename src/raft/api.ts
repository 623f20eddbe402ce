/**
 * The interface of the metadata quorum for the rest of the node: a log of committed payloads that every node follows, and that the
 * leader extends. `server/raft/` implements it twice: for voters (the Raft driver) and for observers (the feed).
 *
 * Offsets count entries from 0. Entries that Raft needs for itself have an empty payload, and readers skip them. Offsets of single
 * entries and of snapshots are inclusive here; `logEndOffset` and `highWatermark` are exclusive.
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

/** All methods are called synchronously, in order, never from within a call to the log. A listener that throws ends the node. */
export interface MetadataLogListener {
  /** Entries in order and without gaps after the last snapshot. Never empty. */
  onCommit(entries: readonly CommittedEntry[]): void;
  /** Replaces all state. No listener is called again before the returned promise has resolved. */
  onSnapshot(snapshot: MetadataSnapshot): void | Promise<void>;
  onLeaderChange(leader: LeaderView): void;
  /** This node leads, an entry of its own epoch is committed, and everything before was passed to `onCommit`. */
  onActivated(epoch: number, startOffset: number): void;
  /** Follows every `onActivated`, when the leadership is lost or handed over. */
  onDeactivated(epoch: number): void;
}

/**
 * This node did not accept the proposal, or accepted it and its outcome is unknown (`offset` is set). The caller should try the
 * leader.
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

/** Too many bytes are uncommitted, or one payload is larger than the limit: nothing was appended. */
export class QuorumBusyError extends Error {
  override readonly name = 'QuorumBusyError';
}

/** The voter set was not changed. */
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
  /** -1 when unknown, as on a follower. */
  readonly logEndOffset: number;
  /** Wall-clock time; -1 when unknown. */
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
  /** Controllers that are not voters, and brokers, that receive the log from this node. */
  readonly observers: readonly ReplicaStatus[];
}

export interface MetadataLog {
  /** Must be called before `start`. Listeners are called in the order in which they were added. */
  addListener(listener: MetadataLogListener): void;
  /**
   * Recovers, delivers the snapshot and the entries that are known to be committed, joins the quorum. Rejects when the store is
   * damaged.
   */
  start(): Promise<void>;
  /**
   * Appends if this node leads in `epoch`. Resolves to the offset when the entry is committed and delivered to the listeners.
   * Rejects with `NotLeaderError` when the leadership was lost before that, with `QuorumBusyError` when too much is uncommitted.
   */
  propose(payload: Uint8Array, epoch: number): Promise<number>;
  /**
   * On the leader: appends the changed voter set and resolves to its offset when that is committed. Rejects with
   * `VoterChangeError`, or with `NotLeaderError` when this node does not lead, or lost the leadership before the outcome was known.
   */
  changeVoters(change: VoterChange): Promise<number>;
  /**
   * On the leader: resolves when everything that was committed at the time of the call has been delivered to the listeners, and a
   * majority has confirmed that no other leader committed more. The value is the end offset of these entries. Rejects with
   * `NotLeaderError` or `QuorumBusyError`.
   */
  readBarrier(): Promise<number>;
  /** Makes a snapshot of the state up to and including `offset` durable; then the log before it may be removed. */
  saveSnapshot(offset: number, epoch: number, bytes: Uint8Array): Promise<void>;
  status(): QuorumStatus;
  leader(): LeaderView;
  /** The first endpoint of a voter; null when it is unknown. */
  addressOf(id: NodeId): Address | null;
  /** Hands over the leadership if possible, then stops. Idempotent. */
  shutdown(): Promise<void>;
}

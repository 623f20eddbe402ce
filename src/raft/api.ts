/**
 * What the rest of the node sees of the metadata quorum: a log of committed payloads that every node follows, and that
 * the leader extends. Implemented in `server/raft/` twice: for voters (the Raft driver) and for observers (the feed).
 *
 * Offsets count entries from 0; entries that Raft needs for itself carry an empty payload and are skipped by readers.
 * Offsets of single entries and of snapshots are inclusive here; `logEndOffset` and `highWatermark` are exclusive.
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
  /** Wall clock of the leader when it appended. */
  readonly appendedMs: number;
}

export interface MetadataSnapshot {
  /** The snapshot holds the state up to and including the entry at `offset`. */
  readonly offset: number;
  readonly epoch: number;
  readonly bytes: Uint8Array;
}

export interface LeaderView {
  readonly id: NodeId | null;
  readonly epoch: number;
}

/** Called synchronously, in order, never from within a call to the log. A listener that throws ends the node. */
export interface MetadataLogListener {
  /** In order and gapless after the last snapshot. Never empty. */
  onCommit(entries: readonly CommittedEntry[]): void;
  /** Replaces all state. No listener gets anything further before the returned promise has resolved. */
  onSnapshot(snapshot: MetadataSnapshot): void | Promise<void>;
  onLeaderChange(leader: LeaderView): void;
  /** This node leads, an entry of its own epoch is committed, and everything before went through `onCommit`. */
  onActivated(epoch: number, startOffset: number): void;
  /** Follows every `onActivated` when the leadership is lost or handed over. */
  onDeactivated(epoch: number): void;
}

/** The proposal was not accepted here, or was accepted and its fate is not known (`offset` set). Try the leader. */
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

/** Too many bytes wait to be committed, or one payload is larger than the limit: nothing was appended. */
export class QuorumBusyError extends Error {
  override readonly name = 'QuorumBusyError';
}

/** The voter set stays as it is. */
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
  /** `uuidZero` when it isn't known yet. */
  readonly directoryId: Uuid;
  /** -1 when not known, as on a follower. */
  readonly logEndOffset: number;
  /** Wall clock; -1 when not known. */
  readonly lastFetchMs: number;
  /** Wall clock time at which the replica last had everything that the leader had; -1 when not known. */
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

/** This node's own view; on a follower the progress of others is not known (-1). */
export interface QuorumStatus {
  readonly role: QuorumRole;
  readonly leaderId: NodeId | null;
  readonly epoch: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly voters: readonly VoterStatus[];
  /** Controllers that are no voters, and brokers: those that get the log from this node. */
  readonly observers: readonly ReplicaStatus[];
}

export interface MetadataLog {
  /** Before `start`. Listeners are called in the order in which they were added. */
  addListener(listener: MetadataLogListener): void;
  /** Recovers, delivers the snapshot and what is known as committed, joins the quorum. Rejects when the store is damaged. */
  start(): Promise<void>;
  /**
   * Appends when this node leads in `epoch`. Resolves to the offset once the entry is committed and was delivered to the
   * listeners; rejects with `NotLeaderError` when leadership was lost before that was seen, with `QuorumBusyError` when full.
   */
  propose(payload: Uint8Array, epoch: number): Promise<number>;
  /**
   * On the leader: appends the changed voter set and resolves to its offset once that is committed. Rejects with
   * `VoterChangeError`, or with `NotLeaderError` when this node does not lead or ceased to before the outcome was seen.
   */
  changeVoters(change: VoterChange): Promise<number>;
  /**
   * On the leader: resolves after everything that was committed at the time of the call has been delivered to the listeners, and after a
   * majority has confirmed that no other leader committed more. The value is the end offset of that. Rejects with `NotLeaderError` or
   * `QuorumBusyError`.
   */
  readBarrier(): Promise<number>;
  /** Makes a snapshot of the state up to and including `offset` durable; then the log before it may go. */
  saveSnapshot(offset: number, epoch: number, bytes: Uint8Array): Promise<void>;
  status(): QuorumStatus;
  leader(): LeaderView;
  /** Where a voter is reached: its first endpoint; null when it isn't known. */
  addressOf(id: NodeId): Address | null;
  /** Hands the leadership over first when it can, then stops. Idempotent. */
  shutdown(): Promise<void>;
}

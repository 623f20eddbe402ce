/**
 * The port to the disk: log, votes and snapshots of one replica. Real in `adapters/leveldb/`, in memory with power loss in
 * `raft/memory-store.ts`. The core never calls it; the driver does, one write at a time, in the order of their numbers.
 */
import type { Entry, HardState, SnapshotMeta } from './types.ts';

/** One step of the replica's durable state, carried out as a whole or not at all. */
export interface WriteOp {
  readonly seq: number;
  /** The state to be found after this write. */
  readonly hardState: HardState;
  /** Replaces the log from the first entry's offset on. Contiguous; empty when the log stays as it is. */
  readonly entries: readonly Entry[];
  /** An installed snapshot: it becomes the newest, and the log is emptied to begin at its end. Comes before `entries`. */
  readonly install: { readonly meta: SnapshotMeta; readonly bytes: Uint8Array } | null;
  /** Entries below may be forgotten: a durable snapshot covers them. Null: leave them. */
  readonly compactTo: number | null;
}

export interface RecoveredState {
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta | null;
  /** The log begins here. */
  readonly startOffset: number;
  /** Epoch of the entry before `startOffset`; 0 when there is none. */
  readonly startEpoch: number;
  /** Every entry, in order. */
  readonly entries: AsyncIterable<readonly Entry[]>;
}

/** The replica cannot know any more what it promised: it must not vote, acknowledge or lead. */
export class DamagedStoreError extends Error {
  override readonly name = 'DamagedStoreError';
}

export interface RaftStore {
  /** Rejects with `DamagedStoreError` when what is on the disk contradicts itself. */
  open(): Promise<RecoveredState>;
  /** Resolves when all of `ops` are durable. The caller waits for it before the next. A rejection is final. */
  write(ops: readonly WriteOp[]): Promise<void>;
  /** Stored entries from `from` on, at least one, of at most `bytesMax` altogether; null when `from` was compacted. */
  read(from: number, endOffset: number, bytesMax: number): Promise<Entry[] | null>;
  /** Makes a snapshot of this replica's own state durable, without touching the log. */
  saveSnapshot(meta: SnapshotMeta, bytes: Uint8Array): Promise<void>;
  /** The newest durable snapshot. */
  readSnapshot(): Promise<{ readonly meta: SnapshotMeta; readonly bytes: Uint8Array } | null>;
  close(): Promise<void>;
}

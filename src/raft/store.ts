/**
 * The port to the disk: log, votes and snapshots of one replica. The real implementation is `adapters/leveldb/`;
 * `raft/memory-store.ts` is one in memory with power cuts. The core never calls it; the driver does, one write at a time, in the
 * order of the writes' numbers.
 */
import type { Entry, HardState, SnapshotMeta } from './types.ts';

/** One change of the replica's durable state, carried out as a whole or not at all. */
export interface WriteOp {
  readonly seq: number;
  /** The hard state after this write. */
  readonly hardState: HardState;
  /** Replaces the log from the first entry's offset on. Contiguous; empty when the log does not change. */
  readonly entries: readonly Entry[];
  /** An installed snapshot becomes the newest, and the log is emptied to begin at its end. Applied before `entries`. */
  readonly install: { readonly meta: SnapshotMeta; readonly bytes: Uint8Array } | null;
  /** Entries below may be removed, because a durable snapshot covers them. Null: remove none. */
  readonly compactTo: number | null;
}

export interface RecoveredState {
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta | null;
  /** Offset of the first entry of the log. */
  readonly startOffset: number;
  /** Epoch of the entry before `startOffset`; 0 when there is none. */
  readonly startEpoch: number;
  /** Every entry, in order. */
  readonly entries: AsyncIterable<readonly Entry[]>;
}

/** The replica no longer knows what it promised: it must not vote, acknowledge or lead. */
export class DamagedStoreError extends Error {
  override readonly name = 'DamagedStoreError';
}

export interface RaftStore {
  /** Rejects with `DamagedStoreError` when the content of the disk is inconsistent. */
  open(): Promise<RecoveredState>;
  /** Resolves when all of `ops` are durable. The caller must wait before the next call. A rejection is final. */
  write(ops: readonly WriteOp[]): Promise<void>;
  /** Stored entries from `from` on: at least one, at most `bytesMax` bytes in all; null when `from` was compacted. */
  read(from: number, endOffset: number, bytesMax: number): Promise<Entry[] | null>;
  /** Makes a snapshot of this replica's own state durable, without changing the log. */
  saveSnapshot(meta: SnapshotMeta, bytes: Uint8Array): Promise<void>;
  /** The newest durable snapshot. */
  readSnapshot(): Promise<{ readonly meta: SnapshotMeta; readonly bytes: Uint8Array } | null>;
  close(): Promise<void>;
}

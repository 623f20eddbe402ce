/**
 * The port to the disk: log, votes and snapshots of one replica. `adapters/leveldb/` implements it on disk,
 * `raft/memory-store.ts` in memory for simulations with power cuts. The core never calls it. The driver (`server/raft/`) does,
 * with one call of `write` at a time, in the order of the writes' numbers.
 */
import type { Entry, HardState, SnapshotMeta } from './types.ts';

/** One change of the replica's durable state. After a power cut, all of it is on disk or nothing. */
export interface WriteOp {
  readonly seq: number;
  /** The hard state after this write. */
  readonly hardState: HardState;
  /** Contiguous entries that replace the log from the first one's offset on; empty when the log does not change. */
  readonly entries: readonly Entry[];
  /**
   * A snapshot from the leader: it becomes the newest, and the log is emptied to begin at its end. Applied before `entries`.
   */
  readonly install: { readonly meta: SnapshotMeta; readonly bytes: Uint8Array } | null;
  /** Entries below this offset may be removed, because a durable snapshot contains them. Null: none. */
  readonly compactTo: number | null;
}

export interface RecoveredState {
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta | null;
  /** Offset of the first entry of the log. */
  readonly startOffset: number;
  /** Epoch of the entry before `startOffset`; 0 when there is none. */
  readonly startEpoch: number;
  /** All entries of the log, in order. */
  readonly entries: AsyncIterable<readonly Entry[]>;
}

/**
 * The disk has lost what this replica has promised to others (votes, acknowledgements). It must not take part in the quorum.
 */
export class DamagedStoreError extends Error {
  override readonly name = 'DamagedStoreError';
}

export interface RaftStore {
  /**
   * Rejects with `DamagedStoreError` when the content of the disk is inconsistent, with `LaterReleaseError` when a later
   * release has written it.
   */
  open(): Promise<RecoveredState>;
  /**
   * Resolves when all of `ops` are durable. The caller waits for it before the next call. After a rejection no write is tried
   * again.
   */
  write(ops: readonly WriteOp[]): Promise<void>;
  /**
   * Stored entries from `from` to below `endOffset`, of at most `bytesMax` bytes in all, but at least one. Null when the entry
   * at `from` is no longer stored.
   */
  read(from: number, endOffset: number, bytesMax: number): Promise<Entry[] | null>;
  /** Makes a snapshot of this replica's own state durable, without changing the log. */
  saveSnapshot(meta: SnapshotMeta, bytes: Uint8Array): Promise<void>;
  /** The newest durable snapshot. */
  readSnapshot(): Promise<{ readonly meta: SnapshotMeta; readonly bytes: Uint8Array } | null>;
  close(): Promise<void>;
}

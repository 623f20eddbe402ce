/**
 * The disk of a replica: only what survives a power cut. Writes are carried out one at a time, each as a whole or not at all.
 */
import { assert } from '../../base/assert.ts';
import type { WriteOp } from '../../raft/store.ts';
import { type Entry, entrySizeBytes, type HardState, type SnapshotMeta } from '../../raft/types.ts';

export interface StoredSnapshot {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
}

export class Disk {
  hardState: HardState = { epoch: 0, votedFor: null, highWatermark: 0 };
  snapshot: StoredSnapshot | null = null;
  startOffset = 0;
  startEpoch = 0;
  /** The index of an entry is its offset. Entries below `startOffset`, and from `endOffset` on, do not count. */
  entries: Entry[] = [];
  endOffset = 0;

  write(ops: readonly WriteOp[]): void {
    for (const op of ops) this.#write(op);
  }

  #write(op: WriteOp): void {
    this.hardState = op.hardState;
    if (op.install !== null) {
      this.snapshot = op.install;
      this.startOffset = op.install.meta.endOffset;
      this.startEpoch = op.install.meta.epoch;
      this.endOffset = this.startOffset;
    }
    const first = op.entries[0];
    if (first !== undefined) {
      assert(first.offset <= this.endOffset, 'a write leaves no gap');
      assert(first.offset >= this.startOffset, 'a write begins at or after the log start');
      this.endOffset = first.offset;
      for (const entry of op.entries) this.entries[this.endOffset++] = entry;
    }
    if (op.compactTo !== null && op.compactTo > this.startOffset) {
      const covered = this.snapshot !== null && this.snapshot.meta.endOffset >= op.compactTo;
      assert(covered, 'the log is never cut past the durable snapshot');
      this.startEpoch = (this.entries[op.compactTo - 1] as Entry).epoch;
      this.startOffset = op.compactTo;
    }
  }

  saveSnapshot(meta: SnapshotMeta, bytes: Uint8Array): void {
    if (this.snapshot === null || this.snapshot.meta.endOffset < meta.endOffset)
      this.snapshot = { meta, bytes };
  }

  all(): Entry[] {
    return this.entries.slice(this.startOffset, this.endOffset);
  }

  /** At least one entry, at most `bytesMax` bytes in all; null when the entry at `from` has been removed. */
  read(from: number, endOffset: number, bytesMax: number): Entry[] | null {
    if (from < this.startOffset || from >= this.endOffset) return null;
    const entries: Entry[] = [];
    let sizeBytes = 0;
    for (let offset = from; offset < Math.min(endOffset, this.endOffset); offset++) {
      const entry = this.entries[offset] as Entry;
      sizeBytes += entrySizeBytes(entry);
      if (entries.length > 0 && sizeBytes > bytesMax) break;
      entries.push(entry);
    }
    return entries.length === 0 ? null : entries;
  }
}

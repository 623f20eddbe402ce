/**
 * A store in memory for tests and simulations that behaves like a disk in a power cut: a write that was not synced is lost as a
 * whole. The simulation passes `sync`, which determines how long a write takes to become durable.
 */
import { assert } from '../base/assert.ts';
import type { RaftStore, RecoveredState, WriteOp } from './store.ts';
import { type Entry, entrySizeBytes, type HardState, type SnapshotMeta } from './types.ts';

/** The content that would survive a power cut. Immutable: each write replaces it. */
export interface DiskImage {
  readonly hardState: HardState;
  readonly snapshot: { readonly meta: SnapshotMeta; readonly bytes: Uint8Array } | null;
  readonly startOffset: number;
  readonly startEpoch: number;
  readonly entries: readonly Entry[];
}

export const emptyDisk: DiskImage = {
  hardState: { epoch: 0, votedFor: null, highWatermark: 0 },
  snapshot: null,
  startOffset: 0,
  startEpoch: 0,
  entries: [],
};

export class MemoryStore implements RaftStore {
  /** The content that a new store would recover now. */
  durable: DiskImage;
  readonly #sync: () => Promise<void>;
  #busy = false;

  /** `sync` returns a promise that resolves when a write is durable. It never resolves if a power cut comes first. */
  constructor(durable: DiskImage = emptyDisk, sync: () => Promise<void> = () => Promise.resolve()) {
    this.durable = durable;
    this.#sync = sync;
  }

  open(): Promise<RecoveredState> {
    return Promise.resolve(recover(this.durable));
  }

  async write(ops: readonly WriteOp[]): Promise<void> {
    assert(!this.#busy, 'one write at a time');
    this.#busy = true;
    await this.#sync();
    this.durable = applyWrites(this.durable, ops);
    this.#busy = false;
  }

  read(from: number, endOffset: number, bytesMax: number): Promise<Entry[] | null> {
    return Promise.resolve(readEntries(this.durable, from, endOffset, bytesMax));
  }

  async saveSnapshot(meta: SnapshotMeta, bytes: Uint8Array): Promise<void> {
    await this.#sync();
    const newest = this.durable.snapshot;
    if (newest !== null && newest.meta.endOffset >= meta.endOffset) return;
    this.durable = { ...this.durable, snapshot: { meta, bytes } };
  }

  readSnapshot(): Promise<{ meta: SnapshotMeta; bytes: Uint8Array } | null> {
    return Promise.resolve(this.durable.snapshot);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export function recover(disk: DiskImage): RecoveredState {
  const { hardState, snapshot, startOffset, startEpoch, entries } = disk;
  async function* all(): AsyncGenerator<readonly Entry[]> {
    yield entries;
  }
  return { hardState, snapshot: snapshot?.meta ?? null, startOffset, startEpoch, entries: all() };
}

export function readEntries(
  disk: DiskImage,
  from: number,
  endOffset: number,
  bytesMax: number,
): Entry[] | null {
  if (from < disk.startOffset) return null;
  const entries: Entry[] = [];
  let sizeBytes = 0;
  for (const entry of disk.entries.slice(from - disk.startOffset, endOffset - disk.startOffset)) {
    sizeBytes += entrySizeBytes(entry);
    if (entries.length > 0 && sizeBytes > bytesMax) break;
    entries.push(entry);
  }
  return entries.length === 0 ? null : entries;
}

export function applyWrites(disk: DiskImage, ops: readonly WriteOp[]): DiskImage {
  let { hardState, snapshot, startOffset, startEpoch, entries } = disk;
  for (const op of ops) {
    hardState = op.hardState;
    if (op.install !== null) {
      snapshot = op.install;
      startOffset = op.install.meta.endOffset;
      startEpoch = op.install.meta.epoch;
      entries = [];
    }
    const first = op.entries[0];
    if (first !== undefined) {
      assert(first.offset <= startOffset + entries.length, 'a write leaves no gap');
      entries = [...entries.slice(0, first.offset - startOffset), ...op.entries];
    }
    if (op.compactTo !== null && op.compactTo > startOffset) {
      const covered = snapshot !== null && snapshot.meta.endOffset >= op.compactTo;
      assert(covered, 'the log is never compacted past the durable snapshot');
      startEpoch = (entries[op.compactTo - startOffset - 1] as Entry).epoch;
      entries = entries.slice(op.compactTo - startOffset);
      startOffset = op.compactTo;
    }
  }
  return { hardState, snapshot, startOffset, startEpoch, entries };
}

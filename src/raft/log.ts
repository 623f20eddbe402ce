/**
 * The replica's log as the core uses it: the epochs of all entries, the recent entries themselves (the cache), and which part
 * of the log is durable. Older entries are only on disk; the core requests them with the effect `readLog`.
 *
 * Invariants: startOffset <= cachedFrom <= endOffset; a durable snapshot contains all entries below startOffset;
 * stableEndOffset <= endOffset; entries stay in the cache until they are durable. Writes are numbered, and the store carries
 * them out in order.
 */
import { assert } from '../base/assert.ts';
import { EpochIndex } from './epoch-index.ts';
import { type Entry, entrySizeBytes } from './types.ts';

interface PendingWrite {
  readonly seq: number;
  /**
   * The offset of the first entry that the write changes. A snapshot that replaces the log: 0. A write without entries: the log
   * end.
   */
  readonly from: number;
}

export class RaftLog {
  readonly #epochs = new EpochIndex();
  readonly #cacheBytesMax: number;
  #startOffset = 0;
  #cache: Entry[] = [];
  /** Elements of `#cache` before this index are unused. They are removed when they are half of the array, not one by one. */
  #cacheHead = 0;
  #cacheBytes = 0;
  #endOffset = 0;
  readonly #pending: PendingWrite[] = [];
  #lastSeq = 0;
  #persistedSeq = 0;

  constructor(cacheBytesMax: number) {
    this.#cacheBytesMax = cacheBytesMax;
  }

  get startOffset(): number {
    return this.#startOffset;
  }
  get endOffset(): number {
    return this.#endOffset;
  }
  get lastEpoch(): number {
    return this.#epochs.lastEpoch;
  }
  get lastSeq(): number {
    return this.#lastSeq;
  }
  get persistedSeq(): number {
    return this.#persistedSeq;
  }
  get cachedFrom(): number {
    return this.#endOffset - (this.#cache.length - this.#cacheHead);
  }
  /** The end offset of the entries that are durable on this replica. */
  get stableEndOffset(): number {
    let stable = this.#endOffset;
    for (const write of this.#pending) if (write.from < stable) stable = write.from;
    return stable;
  }

  /** Epoch of the entry at `offset`, which must be in the log or be the last one before it. */
  epochAt(offset: number): number {
    if (offset < 0) return 0;
    assert(
      offset >= this.#startOffset - 1 && offset < this.#endOffset,
      `no epoch known for offset ${offset}`,
    );
    return this.#epochs.epochAt(offset);
  }

  /** Whether `epochAt(offset)` is known. */
  knowsEpochAt(offset: number): boolean {
    return offset >= this.#startOffset - 1 && offset < this.#endOffset;
  }

  endOfEpoch(epoch: number, limit: number): { endOffset: number; epoch: number } {
    return this.#epochs.endOfEpoch(epoch, limit);
  }

  /** Makes the log empty, to begin at `endOffset`: the end of a snapshot whose last entry has `epoch`. */
  reset(endOffset: number, epoch: number): void {
    this.#epochs.reset(endOffset, epoch);
    this.#startOffset = endOffset;
    this.#endOffset = endOffset;
    this.#cache = [];
    this.#cacheHead = 0;
    this.#cacheBytes = 0;
  }

  /** At recovery: adds an entry that is already in the store. */
  restore(entry: Entry): void {
    this.#push(entry);
    this.#trim();
  }

  /** Replaces everything from the first entry's offset on. Returns the number of the write that makes the entries durable. */
  append(entries: readonly Entry[]): number {
    const first = entries[0];
    assert(first !== undefined, 'an append has entries');
    assert(first.offset <= this.#endOffset, 'an append leaves no gap');
    if (first.offset < this.#endOffset) this.#truncate(first.offset);
    for (const entry of entries) this.#push(entry);
    return this.beginWrite(first.offset);
  }

  /** Empties the log, to begin at the end of an installed snapshot. Returns the number of the write that makes this durable. */
  install(endOffset: number, epoch: number): number {
    this.reset(endOffset, epoch);
    // No entry counts as durable until the snapshot is durable.
    return this.beginWrite(0);
  }

  beginWrite(from: number): number {
    this.#lastSeq += 1;
    this.#pending.push({ seq: this.#lastSeq, from });
    return this.#lastSeq;
  }

  /** The driver reports that all writes up to number `seq` are durable. */
  persisted(seq: number): void {
    assert(seq <= this.#lastSeq, 'a write was persisted that was never requested');
    if (seq <= this.#persistedSeq) return;
    this.#persistedSeq = seq;
    while (this.#pending.length > 0 && (this.#pending[0] as PendingWrite).seq <= seq) this.#pending.shift();
    this.#trim();
  }

  /** Removes the entries below `offset`, which a durable snapshot contains. */
  compact(offset: number): void {
    assert(offset <= this.#endOffset, 'compaction stays inside the log');
    if (offset <= this.#startOffset) return;
    this.#epochs.compact(offset - 1);
    this.#startOffset = offset;
    while (this.cachedFrom < offset) this.#dropFirst();
    this.#shrinkCache();
  }

  /**
   * Cached entries from `from` to below `endOffset`, of at most `bytesMax` bytes in all, but at least one if there is any. Null
   * when `from` is not cached.
   */
  cached(from: number, endOffset: number, bytesMax: number): Entry[] | null {
    if (from < this.cachedFrom) return null;
    const entries: Entry[] = [];
    let sizeBytes = 0;
    for (let offset = from; offset < Math.min(endOffset, this.#endOffset); offset++) {
      const entry = this.#cache[this.#cacheHead + offset - this.cachedFrom] as Entry;
      sizeBytes += entrySizeBytes(entry);
      if (entries.length > 0 && sizeBytes > bytesMax) break;
      entries.push(entry);
    }
    return entries;
  }

  #push(entry: Entry): void {
    assert(entry.offset === this.#endOffset, 'entries are contiguous');
    this.#epochs.append(entry.offset, entry.epoch);
    this.#cache.push(entry);
    this.#cacheBytes += entrySizeBytes(entry);
    this.#endOffset += 1;
  }

  #truncate(endOffset: number): void {
    assert(endOffset >= this.#startOffset, 'what a snapshot covers is never truncated');
    while (this.#cache.length > this.#cacheHead && this.#endOffset > endOffset) {
      this.#cacheBytes -= entrySizeBytes(this.#cache.pop() as Entry);
      this.#endOffset -= 1;
    }
    if (this.#endOffset > endOffset) {
      this.#endOffset = endOffset;
      this.#cache = [];
      this.#cacheHead = 0;
      this.#cacheBytes = 0;
    }
    this.#epochs.truncate(endOffset);
  }

  #trim(): void {
    if (this.#cacheBytes <= this.#cacheBytesMax) return;
    const stable = this.stableEndOffset;
    while (this.#cacheBytes > this.#cacheBytesMax && this.cachedFrom < stable) this.#dropFirst();
    this.#shrinkCache();
  }

  #dropFirst(): void {
    if (this.#cacheHead === this.#cache.length) return;
    this.#cacheBytes -= entrySizeBytes(this.#cache[this.#cacheHead] as Entry);
    this.#cacheHead += 1;
  }

  #shrinkCache(): void {
    if (this.#cacheHead * 2 <= this.#cache.length) return;
    this.#cache = this.#cache.slice(this.#cacheHead);
    this.#cacheHead = 0;
  }
}

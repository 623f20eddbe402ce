/**
 * The offset index and the time index of a segment, with the state that is needed to continue them. Every batch is passed to
 * `add` in order, which decides where the indexes get entries.
 */
import { OffsetIndex, offsetIndexEntrySize } from './offset-index.ts';
import { TimeIndex, timeIndexEntrySize } from './time-index.ts';

export class SegmentIndex {
  readonly offset: OffsetIndex;
  readonly time: TimeIndex;
  /** Largest timestamp of a batch so far; -1: none. */
  largestTimestamp = -1;
  /** Last offset of the first batch with this timestamp. */
  offsetOfLargestTimestamp: number;
  /** Largest timestamp of the first batch, from which `segment.ms` is counted. Null: unknown. */
  firstTimestamp: number | null = null;
  #bytesSinceEntry = 0;

  constructor(offset: OffsetIndex, time: TimeIndex) {
    this.offset = offset;
    this.time = time;
    this.largestTimestamp = time.lastTimestamp();
    this.offsetOfLargestTimestamp = time.lastOffset();
  }

  static empty(baseOffset: number): SegmentIndex {
    return new SegmentIndex(new OffsetIndex(baseOffset, null), new TimeIndex(baseOffset, null));
  }

  get sizeBytes(): number {
    return this.offset.file.bytes.length + this.time.file.bytes.length;
  }

  get isDirty(): boolean {
    return this.offset.file.isDirty || this.time.file.isDirty;
  }

  get isUnsynced(): boolean {
    return this.offset.file.isUnsynced || this.time.file.isUnsynced;
  }

  isFull(indexSizeMax: number): boolean {
    return (
      this.offset.count >= Math.floor(indexSizeMax / offsetIndexEntrySize) ||
      this.time.count >= Math.floor(indexSizeMax / timeIndexEntrySize) - 1
    );
  }

  /** Adds a batch at `position`, in order. An entry is due when more than the interval has passed since the last one. */
  add(
    position: number,
    sizeBytes: number,
    maxTimestamp: number,
    lastOffset: number,
    intervalBytes: number,
  ): void {
    this.countBatch(position, maxTimestamp, lastOffset);
    if (this.#bytesSinceEntry > intervalBytes) {
      this.offset.append(lastOffset, position);
      this.time.maybeAppend(this.largestTimestamp, this.offsetOfLargestTimestamp);
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += sizeBytes;
  }

  /** Counts a batch after the last entry, when an existing segment is opened. */
  countBatch(position: number, maxTimestamp: number, lastOffset: number): void {
    if (position === 0) this.firstTimestamp = maxTimestamp;
    if (maxTimestamp <= this.largestTimestamp) return;
    this.largestTimestamp = maxTimestamp;
    this.offsetOfLargestTimestamp = lastOffset;
  }

  /** Sets how many bytes follow the last entry, when an existing segment is opened. */
  continueAfter(bytes: number): void {
    this.#bytesSinceEntry = bytes;
  }

  /** Adds the last entry of the time index, which in a sealed segment has the largest timestamp. */
  sealTime(): void {
    if (this.largestTimestamp >= 0)
      this.time.maybeAppend(this.largestTimestamp, this.offsetOfLargestTimestamp);
  }

  /** Removes entries of batches at or after `position`, where the log now ends at `offset`. */
  truncate(position: number, offset: number): void {
    this.offset.truncateToPosition(position);
    this.time.truncateTo(offset);
    this.largestTimestamp = this.time.lastTimestamp();
    this.offsetOfLargestTimestamp = this.time.lastOffset();
    if (position === 0) this.firstTimestamp = null;
  }
}

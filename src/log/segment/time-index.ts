/**
 * Time index of one segment: pairs (largest timestamp so far, last offset of the first batch with it), both increasing. File
 * entry: int64 timestamp, int32 offset relative to the segment's base offset.
 */
import { readInt64, writeInt64 } from '../../protocol/records/integers.ts';
import { IndexBytes } from './index-bytes.ts';

export const timeIndexEntrySize = 12;

export class TimeIndex {
  readonly baseOffset: number;
  readonly file: IndexBytes;

  constructor(baseOffset: number, content: Buffer | null) {
    this.baseOffset = baseOffset;
    this.file = new IndexBytes(timeIndexEntrySize, content);
  }

  get count(): number {
    return this.file.count;
  }

  timestampAt(slot: number): number {
    return readInt64(this.file.bytes, slot * timeIndexEntrySize);
  }

  offsetAt(slot: number): number {
    return this.baseOffset + this.file.bytes.readInt32BE(slot * timeIndexEntrySize + 8);
  }

  /** -1 when there is no entry. */
  lastTimestamp(): number {
    return this.count === 0 ? -1 : this.timestampAt(this.count - 1);
  }

  lastOffset(): number {
    return this.count === 0 ? this.baseOffset : this.offsetAt(this.count - 1);
  }

  /** Adds an entry only when both timestamp and offset are larger than those of the last entry. */
  maybeAppend(timestamp: number, offset: number): void {
    if (timestamp <= this.lastTimestamp() || (this.count > 0 && offset <= this.lastOffset())) return;
    const at = this.file.extend();
    writeInt64(this.file.bytes, at, timestamp);
    this.file.bytes.writeInt32BE(offset - this.baseOffset, at + 8);
  }

  /** The offset at which a search for `timestamp` begins: up to it, all timestamps are smaller. */
  lookup(timestamp: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (this.timestampAt(middle) < timestamp) low = middle + 1;
      else high = middle - 1;
    }
    return high < 0 ? this.baseOffset : this.offsetAt(high);
  }

  /** Removes the entries of `offset` and later ones. */
  truncateTo(offset: number): void {
    let count = this.count;
    while (count > 0 && this.offsetAt(count - 1) >= offset) count -= 1;
    this.file.truncate(count);
  }
}

/** The valid entries of a file; null when it must be rebuilt. */
export function parseTimeIndex(baseOffset: number, content: Buffer): TimeIndex | null {
  if (content.length % timeIndexEntrySize !== 0) return null;
  let count = 0;
  let timestamp = -1;
  let offset = -1;
  while (count * timeIndexEntrySize < content.length) {
    const at = count * timeIndexEntrySize;
    const nextTimestamp = readInt64(content, at);
    const nextOffset = content.readInt32BE(at + 8);
    if (nextTimestamp === 0 && nextOffset === 0) break;
    if (nextTimestamp <= timestamp || nextOffset <= offset) return null;
    timestamp = nextTimestamp;
    offset = nextOffset;
    count += 1;
  }
  const index = new TimeIndex(baseOffset, content);
  index.file.truncate(count);
  return index;
}

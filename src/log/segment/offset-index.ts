/**
 * Offset index of one segment: pairs (last offset of a batch, position of that batch), sparse, both increasing. File entry:
 * int32 offset relative to the segment's base offset, int32 position.
 */
import { IndexBytes } from './index-bytes.ts';

export const offsetIndexEntrySize = 8;

export class OffsetIndex {
  readonly baseOffset: number;
  readonly file: IndexBytes;

  constructor(baseOffset: number, content: Buffer | null) {
    this.baseOffset = baseOffset;
    this.file = new IndexBytes(offsetIndexEntrySize, content);
  }

  get count(): number {
    return this.file.count;
  }

  offsetAt(slot: number): number {
    return this.baseOffset + this.file.bytes.readInt32BE(slot * offsetIndexEntrySize);
  }

  positionAt(slot: number): number {
    return this.file.bytes.readInt32BE(slot * offsetIndexEntrySize + 4);
  }

  /** Position of the last indexed batch whose last offset is at most `offset`; 0 when there is none. */
  lookup(offset: number): number {
    const slot = this.#floor(offset);
    return slot < 0 ? 0 : this.positionAt(slot);
  }

  /** The position in the last entry; 0 when there is none. */
  lastPosition(): number {
    return this.count === 0 ? 0 : this.positionAt(this.count - 1);
  }

  append(lastOffset: number, position: number): void {
    const at = this.file.extend();
    this.file.bytes.writeInt32BE(lastOffset - this.baseOffset, at);
    this.file.bytes.writeInt32BE(position, at + 4);
  }

  /** Drops the entries of batches at or after `position`. */
  truncateToPosition(position: number): void {
    let count = this.count;
    while (count > 0 && this.positionAt(count - 1) >= position) count -= 1;
    this.file.truncate(count);
  }

  #floor(offset: number): number {
    const target = offset - this.baseOffset;
    const bytes = this.file.bytes;
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (bytes.readInt32BE(middle * offsetIndexEntrySize) <= target) low = middle + 1;
      else high = middle - 1;
    }
    return high;
  }
}

/** The valid entries of a file; null when it must be rebuilt. `logSizeBytes` is the upper bound of positions. */
export function parseOffsetIndex(
  baseOffset: number,
  content: Buffer,
  logSizeBytes: number,
): OffsetIndex | null {
  if (content.length % offsetIndexEntrySize !== 0) return null;
  let count = 0;
  let offset = -1;
  let position = -1;
  while (count * offsetIndexEntrySize < content.length) {
    const nextOffset = content.readInt32BE(count * offsetIndexEntrySize);
    const nextPosition = content.readInt32BE(count * offsetIndexEntrySize + 4);
    // Kafka preallocates index files: after the first slot an entry of zeros ends the used part.
    if (nextOffset === 0 && nextPosition === 0) break;
    if (nextOffset <= offset || nextPosition <= position || nextPosition >= logSizeBytes) return null;
    offset = nextOffset;
    position = nextPosition;
    count += 1;
  }
  const index = new OffsetIndex(baseOffset, content);
  index.file.truncate(count);
  return index;
}

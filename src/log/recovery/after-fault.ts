/**
 * Examines the bytes after the position at which recovery must end a log. They are either the incomplete end of the last write,
 * as a crash leaves it, or complete records after a damaged place.
 */
import { batchHeader, batchHeaderBytes, checkCrc } from '../../protocol/records/batch.ts';
import { headerFault, readFully } from '../segment/batch-scan.ts';
import type { Segment } from '../segment/segment.ts';

const chunkBytes = 1024 * 1024;
/** The unit in which a disk writes. A file system leaves zeros for a sector that was not written. */
const sectorBytes = 512;
const magicAt = 16;
const magic = 2;
const relativeOffsetMax = 0x7fff_ffff;

/** The last offset of the complete, valid batches after `position` of the segment; null when there are none. */
export async function lastOffsetAfter(
  segment: Segment,
  position: number,
  offsetMin: number,
): Promise<number | null> {
  let last: number | null = null;
  let next = offsetMin;
  let at = await findBatch(segment, position, next);
  while (at !== null) {
    const { end, nextOffset, fault } = await segment.scan(at, true, () => undefined);
    if (nextOffset === null) break;
    last = nextOffset - 1;
    next = nextOffset;
    at = fault === null ? null : await findBatch(segment, end + 1, next);
  }
  return last;
}

/** The last offset of the last segment that has records; null when all segments are empty. */
export async function lastOffsetIn(segments: readonly Segment[]): Promise<number | null> {
  for (const segment of segments.toReversed()) {
    const { nextOffset } = await segment.scan(0, false, () => undefined);
    if (nextOffset !== null) return nextOffset - 1;
  }
  return null;
}

/**
 * Whether a power cut may have prevented a part of the write at `position`: a sector there has only zeros, or the file ends
 * with zeros or earlier than it should.
 */
export async function hasUnwrittenSector(segment: Segment, position: number): Promise<boolean> {
  let zeros = 0;
  let at = position;
  while (at < segment.sizeBytes) {
    const bytes = await bytesAt(segment, at, chunkBytes);
    if (bytes.length === 0) return true;
    for (let i = 0; i < bytes.length; i++) {
      if ((at + i) % sectorBytes === 0) zeros = 0;
      if (bytes[i] === 0) zeros += 1;
      if (zeros === sectorBytes) return true;
    }
    at += bytes.length;
  }
  const tail = await bytesAt(segment, Math.max(position, at - batchHeaderBytes), batchHeaderBytes);
  return tail.every((byte) => byte === 0);
}

/** Position of the first complete batch with a correct checksum at or after `from`; null when there is none. */
async function findBatch(segment: Segment, from: number, offsetMin: number): Promise<number | null> {
  let position = from;
  while (position + batchHeaderBytes <= segment.sizeBytes) {
    const bytes = await bytesAt(segment, position, chunkBytes);
    // Every batch has this magic byte at a fixed position, so the search looks for it to find candidates.
    let magicIs = bytes.indexOf(magic, magicAt);
    while (magicIs !== -1 && magicIs - magicAt + batchHeaderBytes <= bytes.length) {
      const at = magicIs - magicAt;
      if (await isBatch(segment, bytes, at, position + at, offsetMin)) return position + at;
      magicIs = bytes.indexOf(magic, magicIs + 1);
    }
    if (bytes.length < chunkBytes) return null;
    position += bytes.length - batchHeaderBytes + 1;
  }
  return null;
}

async function isBatch(
  segment: Segment,
  bytes: Buffer,
  at: number,
  position: number,
  offsetMin: number,
): Promise<boolean> {
  // Offsets of a real log are far below 2^48.
  if (bytes[at] !== 0 || bytes[at + 1] !== 0) return false;
  if (headerFault(bytes, at, segment.sizeBytes - position, offsetMin) !== null) return false;
  const header = batchHeader(bytes, at);
  if (header.lastOffset - segment.baseOffset > relativeOffsetMax) return false;
  if (at + header.sizeBytes <= bytes.length) return checkCrc(bytes, at, header);
  const whole = await bytesAt(segment, position, header.sizeBytes);
  return whole.length === header.sizeBytes && checkCrc(whole, 0, batchHeader(whole, 0));
}

async function bytesAt(segment: Segment, position: number, sizeMax: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(sizeMax, segment.sizeBytes - position)));
  const have = await segment.use((file) => readFully(file, bytes, position, bytes.length));
  return bytes.subarray(0, have);
}

/**
 * Reads the batches of a log file in order, a chunk at a time. Used for recovery (with checksums), compaction, truncation,
 * rebuilding of indexes and producer state, searches by time, and the tail of a cleanly closed log. A scan stops at the first
 * byte that is not part of a whole valid batch, and returns the reason; the caller decides what to do.
 */
import type { FileHandle } from '../../base/file-system.ts';
import type { BatchHeader } from '../../protocol/records/batch.ts';
import { batchHeader, checkCrc, batchHeaderBytes } from '../../protocol/records/batch.ts';

export interface ScannedBatch {
  readonly header: BatchHeader;
  /** Position in the file. */
  readonly position: number;
  /** The chunk with the whole batch, which begins at `at`. Valid only during the visit. */
  readonly bytes: Uint8Array;
  readonly at: number;
}

export interface ScanOptions {
  readonly from: number;
  /** End of the readable part of the file. */
  readonly to: number;
  readonly verifyCrc: boolean;
  /** Batches must not begin before this offset. */
  readonly offsetMin: number;
  /** Called between chunks, so that a long scan yields to the event loop. */
  readonly pause?: () => Promise<void>;
}

export interface ScanResult {
  /** Position after the last valid batch. */
  readonly end: number;
  /** Offset after the last valid batch; null when there was none. */
  readonly nextOffset: number | null;
  /** Why the scan stopped before `to`; null when it reached `to`, or when the visitor stopped it. */
  readonly fault: string | null;
}

/** The fault of a batch that is complete, but whose checksum is wrong. */
export const wrongChecksum = 'wrong checksum';

/**
 * A log with old message formats is refused, not truncated, because its records may be valid and this broker cannot read them.
 */
export class OldFormatError extends Error {
  override readonly name = 'OldFormatError';
}

const chunkBytes = 1024 * 1024;
/** A batch with a larger size is damaged: no broker accepts such a request. */
const batchBytesMax = 1024 * 1024 * 1024;
/**
 * Position of the key size in messages v0: after offset, size, checksum, magic and attributes; v1 has a timestamp before it.
 */
const oldKeyAt = 18;
const oldTimestampBytes = 8;

/** Why the header at `at` is not that of a batch. The file has `remainingBytes` from there on. Null: it may be a batch. */
export function headerFault(
  bytes: Uint8Array,
  at: number,
  remainingBytes: number,
  offsetMin: number,
): string | null {
  if (remainingBytes < batchHeaderBytes) return `${remainingBytes} bytes are no batch`;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, batchHeaderBytes);
  const sizeBytes = view.getInt32(8) + 12;
  const magic = view.getInt8(16);
  if (magic !== 2) return `magic ${magic}`;
  if (sizeBytes < batchHeaderBytes || sizeBytes > batchBytesMax) return `batch size ${sizeBytes}`;
  if (sizeBytes > remainingBytes) return `batch of ${sizeBytes} bytes where ${remainingBytes} are left`;
  const high = view.getInt32(0);
  const baseOffset = high * 0x1_0000_0000 + view.getUint32(4);
  if (high < 0 || high >= 0x20_0000) return `base offset ${baseOffset}`;
  if (baseOffset < offsetMin) return `base offset ${baseOffset} where at least ${offsetMin} was expected`;
  if (view.getInt32(23) < 0) return `last offset delta ${view.getInt32(23)}`;
  return null;
}

/** Throws OldFormatError when the bytes at `at` are a whole message of format v0 or v1. */
function refuseOldFormat(bytes: Uint8Array, at: number, remainingBytes: number): void {
  if (remainingBytes < batchHeaderBytes) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, batchHeaderBytes);
  const sizeBytes = view.getInt32(8) + 12;
  const magic = view.getInt8(16);
  if (
    (magic === 0 || magic === 1) &&
    sizeBytes <= remainingBytes &&
    isOldMessage(bytes, at, sizeBytes, magic)
  )
    throw new OldFormatError(`message format v${magic} is not supported`);
}

/**
 * Whether this is a message of format v0 or v1, and not the remainder of a batch after a power cut: when the rest of a header
 * is zeros, they look like magic 0. In an old message the sizes of key and value add up to its size.
 */
function isOldMessage(bytes: Uint8Array, at: number, sizeBytes: number, magic: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const keyAt = at + oldKeyAt + (magic === 1 ? oldTimestampBytes : 0);
  if (view.getInt32(at + 12) === 0) return false;
  const keyBytes = view.getInt32(keyAt);
  const valueAt = keyAt + 4 + Math.max(0, keyBytes);
  if (keyBytes < -1 || valueAt + 4 > at + sizeBytes) return false;
  // The size of a key that ends beyond these bytes cannot be checked and is accepted.
  if (valueAt + 4 > bytes.length) return true;
  return valueAt + 4 + Math.max(0, view.getInt32(valueAt)) === at + sizeBytes;
}

/** Visits batches in order until the end, an invalid batch, or until the visitor returns false. */
export async function scanBatches(
  file: FileHandle,
  options: ScanOptions,
  visit: (batch: ScannedBatch) => boolean | void,
): Promise<ScanResult> {
  let position = options.from;
  let nextOffset: number | null = null;
  let chunk = Buffer.allocUnsafeSlow(Math.max(0, Math.min(chunkBytes, options.to - options.from)));
  while (position < options.to) {
    const length = await readFully(file, chunk, position, options.to - position);
    let at = 0;
    for (;;) {
      const left = options.to - position;
      if (left === 0) return { end: position, nextOffset, fault: null };
      const have = length - at;
      const short = { end: position, nextOffset, fault: 'the file is shorter than expected' };
      if (have < Math.min(batchHeaderBytes, left)) {
        if (at === 0) return short;
        break;
      }
      const fault = headerFault(chunk, at, left, nextOffset ?? options.offsetMin);
      if (fault !== null) {
        refuseOldFormat(chunk, at, left);
        return { end: position, nextOffset, fault };
      }
      const header = batchHeader(chunk, at);
      if (header.sizeBytes > have) {
        if (at === 0 && header.sizeBytes <= chunk.length) return short;
        if (at === 0) chunk = Buffer.allocUnsafeSlow(header.sizeBytes);
        break;
      }
      if (options.verifyCrc && !checkCrc(chunk, at, header))
        return { end: position, nextOffset, fault: wrongChecksum };
      const more = visit({ header, position, bytes: chunk, at });
      position += header.sizeBytes;
      at += header.sizeBytes;
      nextOffset = header.lastOffset + 1;
      if (more === false) return { end: position, nextOffset, fault: null };
    }
    if (options.pause !== undefined) await options.pause();
  }
  return { end: position, nextOffset, fault: null };
}

/** Fills `target` from `position` with at most `wanted` bytes; returns how many were read. */
export async function readFully(
  file: FileHandle,
  target: Uint8Array,
  position: number,
  wanted: number,
): Promise<number> {
  const length = Math.min(target.length, wanted);
  let done = 0;
  while (done < length) {
    const count = await file.read(target, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/**
 * Record batches (magic 2) as bytes. The functions read and change the 61-byte header in place and do not touch the records.
 *
 * The checksum covers the bytes from the attributes to the end. So base offset and leader epoch can change without a new
 * checksum; functions that change attributes or timestamps compute a new one.
 */
import { DecodeError } from '../codec/errors.ts';
import { crc32c } from './crc32c.ts';
import { readInt16, readInt32, readInt64, writeInt16, writeInt32, writeInt64 } from './integers.ts';

/** Positions of the header's fields, relative to the start of the batch. */
export const batchField = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordsCount: 57,
} as const;

/** Size of the header: the records begin after it. */
export const batchHeaderBytes = 61;
/** Size of base offset and length, the bytes that `batchLength` does not count. */
export const batchOverheadBytes = 12;
export const batchMagic = 2;

export const attribute = {
  compressionMask: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const;

export type CompressionType = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
/** Compression types in the order of their codes in the attributes. */
export const compressionTypes: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export type TimestampType = 'CreateTime' | 'LogAppendTime';

/** A view of the header of the batch that begins at `at`. Each access reads the bytes again, so it sees changes of them. */
export class BatchHeader {
  readonly bytes: Uint8Array;
  readonly at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  get baseOffset(): number {
    return readInt64(this.bytes, this.at);
  }
  /** The value of the length field: how many bytes follow it. */
  get batchLength(): number {
    return readInt32(this.bytes, this.at + batchField.batchLength);
  }
  /** Size of the whole batch. */
  get sizeBytes(): number {
    return this.batchLength + batchOverheadBytes;
  }
  /** Position of the next batch. */
  get end(): number {
    return this.at + this.sizeBytes;
  }
  get partitionLeaderEpoch(): number {
    return readInt32(this.bytes, this.at + batchField.partitionLeaderEpoch);
  }
  get magic(): number {
    return ((this.bytes[this.at + batchField.magic] as number) << 24) >> 24;
  }
  get crc(): number {
    return readInt32(this.bytes, this.at + batchField.crc) >>> 0;
  }
  get attributes(): number {
    return readInt16(this.bytes, this.at + batchField.attributes);
  }
  /** Null for an unknown code. */
  get compression(): CompressionType | null {
    return compressionTypes[this.attributes & attribute.compressionMask] ?? null;
  }
  get timestampType(): TimestampType {
    return (this.attributes & attribute.logAppendTime) === 0 ? 'CreateTime' : 'LogAppendTime';
  }
  get isTransactional(): boolean {
    return (this.attributes & attribute.transactional) !== 0;
  }
  get isControl(): boolean {
    return (this.attributes & attribute.control) !== 0;
  }
  /** Whether `baseTimestamp` is the delete horizon: the time from which compaction may remove the tombstones of this batch. */
  get hasDeleteHorizon(): boolean {
    return (this.attributes & attribute.deleteHorizon) !== 0;
  }
  get lastOffsetDelta(): number {
    return readInt32(this.bytes, this.at + batchField.lastOffsetDelta);
  }
  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta;
  }
  get baseTimestamp(): number {
    return readInt64(this.bytes, this.at + batchField.baseTimestamp);
  }
  get maxTimestamp(): number {
    return readInt64(this.bytes, this.at + batchField.maxTimestamp);
  }
  /** -1 when the producer is not idempotent. */
  get producerId(): number {
    return readInt64(this.bytes, this.at + batchField.producerId);
  }
  get producerEpoch(): number {
    return readInt16(this.bytes, this.at + batchField.producerEpoch);
  }
  get baseSequence(): number {
    return readInt32(this.bytes, this.at + batchField.baseSequence);
  }
  /** The sequence number of the last record, -1 when the batch has none. After 2^31-1 sequence numbers continue with 0. */
  get lastSequence(): number {
    const base = this.baseSequence;
    return base < 0 ? -1 : sequencePlus(base, this.lastOffsetDelta);
  }
  get recordsCount(): number {
    return readInt32(this.bytes, this.at + batchField.recordsCount);
  }
  /** The bytes of the whole batch, as a view. */
  get content(): Uint8Array {
    return this.bytes.subarray(this.at, this.end);
  }
}

/** The sequence number that is `count` after `sequence`. After 2^31-1 sequence numbers continue with 0. */
export function sequencePlus(sequence: number, count: number): number {
  const sum = sequence + count;
  return sum > 0x7fff_ffff ? sum - 0x8000_0000 : sum;
}

/** The header of the batch that begins at `at`. Throws if the header is incomplete; does not check magic and checksum. */
export function batchHeader(bytes: Uint8Array, at = 0): BatchHeader {
  if (at < 0 || at + batchHeaderBytes > bytes.length)
    throw new DecodeError(`a batch header needs ${batchHeaderBytes} bytes, ${bytes.length - at} are left`);
  return new BatchHeader(bytes, at);
}

export interface Batches {
  /** The batches that are complete, in order. */
  readonly headers: readonly BatchHeader[];
  /** Position after the last complete batch. */
  readonly end: number;
  /** Why no batch follows: the bytes end there; the next batch is incomplete; or what follows is not a batch of magic 2. */
  readonly stop: 'end' | 'partial' | 'corrupt';
}

/** Finds the complete batches from `at` up to `to`. Checksums are not checked. */
export function batches(bytes: Uint8Array, at = 0, to: number = bytes.length): Batches {
  const headers: BatchHeader[] = [];
  let position = at;
  while (position < to) {
    const left = to - position;
    if (left <= batchField.magic) return { headers, end: position, stop: 'partial' };
    const length = readInt32(bytes, position + batchField.batchLength);
    if (bytes[position + batchField.magic] !== batchMagic || length < batchHeaderBytes - batchOverheadBytes)
      return { headers, end: position, stop: 'corrupt' };
    if (length + batchOverheadBytes > left) return { headers, end: position, stop: 'partial' };
    headers.push(new BatchHeader(bytes, position));
    position += length + batchOverheadBytes;
  }
  return { headers, end: position, stop: 'end' };
}

/** Whether the checksum of the batch at `at` is correct. The batch must be complete. */
export function checkCrc(
  bytes: Uint8Array,
  at = 0,
  header: BatchHeader = new BatchHeader(bytes, at),
): boolean {
  return crc32c(bytes, at + batchField.attributes, at + header.sizeBytes) === header.crc;
}

export function setBaseOffset(bytes: Uint8Array, at: number, baseOffset: number): void {
  writeInt64(bytes, at, baseOffset);
}

export function setPartitionLeaderEpoch(bytes: Uint8Array, at: number, epoch: number): void {
  writeInt32(bytes, at + batchField.partitionLeaderEpoch, epoch);
}

/** Makes `timestampMs` the timestamp of all records (LogAppendTime), and computes a new checksum. */
export function setLogAppendTime(bytes: Uint8Array, at: number, timestampMs: number): void {
  const header = new BatchHeader(bytes, at);
  writeInt16(bytes, at + batchField.attributes, header.attributes | attribute.logAppendTime);
  writeInt64(bytes, at + batchField.maxTimestamp, timestampMs);
  updateCrc(bytes, at);
}

/** Gives a batch the timestamp type CreateTime and this largest timestamp. Computes a new checksum if that changes anything. */
export function setMaxTimestamp(bytes: Uint8Array, at: number, timestampMs: number): void {
  const header = new BatchHeader(bytes, at);
  if (header.maxTimestamp === timestampMs && header.timestampType === 'CreateTime') return;
  writeInt16(bytes, at + batchField.attributes, header.attributes & ~attribute.logAppendTime);
  writeInt64(bytes, at + batchField.maxTimestamp, timestampMs);
  updateCrc(bytes, at);
}

export function updateCrc(bytes: Uint8Array, at = 0): void {
  const header = new BatchHeader(bytes, at);
  writeInt32(bytes, at + batchField.crc, crc32c(bytes, at + batchField.attributes, header.end) | 0);
}

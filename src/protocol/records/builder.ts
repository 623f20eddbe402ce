/** Builds record batches. */
import { allocate, type NativeBytes } from '../codec/native.ts';
import {
  attribute,
  batchField,
  batchHeaderBytes,
  batchMagic,
  batchOverheadBytes,
  compressionTypes,
  updateCrc,
  type CompressionType,
  type TimestampType,
} from './batch.ts';
import { compress } from './compression.ts';
import { varintBytes, writeInt16, writeInt32, writeInt64 } from './integers.ts';
import { recordBodyBytes, writeRecord, type RecordContent, type RecordHeader } from './record.ts';

export interface NewRecord {
  readonly key?: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly RecordHeader[];
  readonly timestamp: number;
  /** By default the delta of the record before plus 1. In a compacted batch deltas may have gaps. */
  readonly offsetDelta?: number;
}

export interface BatchOptions {
  readonly baseOffset?: number;
  readonly partitionLeaderEpoch?: number;
  readonly compression?: CompressionType;
  /** On the scale of the codec; if absent, the codec's default. */
  readonly compressionLevel?: number;
  readonly timestampType?: TimestampType;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  /** By default that of the last record. It is higher in a compacted batch whose last records were removed. */
  readonly lastOffsetDelta?: number;
  /**
   * The base of the records' timestamps, by default the timestamp of the first record. With `hasDeleteHorizon` it is the delete
   * horizon.
   */
  readonly baseTimestamp?: number;
  /** By default the largest timestamp of the records. */
  readonly maxTimestamp?: number;
  readonly hasDeleteHorizon?: boolean;
}

const noHeaders: readonly RecordHeader[] = Object.freeze([]);

/** Builds a batch record by record. Each record is encoded when it is added, so `sizeBytes` is exact (before compression). */
export class BatchBuilder {
  private bytes: NativeBytes;
  private position = batchHeaderBytes;
  private records = 0;
  private lastDelta = -1;
  private baseTimestamp: number | null;
  private maxTimestamp = -1;

  constructor(initialBytes = 1024, baseTimestamp: number | null = null) {
    this.bytes = allocate(Math.max(initialBytes, batchHeaderBytes));
    this.baseTimestamp = baseTimestamp;
  }

  get count(): number {
    return this.records;
  }

  /** Size of the batch without compression. */
  get sizeBytes(): number {
    return this.position;
  }

  append(record: NewRecord): void {
    this.baseTimestamp ??= record.timestamp;
    const content: RecordContent = {
      offsetDelta: record.offsetDelta ?? this.lastDelta + 1,
      timestampDelta: record.timestamp - this.baseTimestamp,
      key: record.key ?? null,
      value: record.value,
      headers: record.headers ?? noHeaders,
    };
    const bodyBytes = recordBodyBytes(content);
    this.need(bodyBytes + varintBytes(bodyBytes));
    this.position = writeRecord(this.bytes, this.position, content, bodyBytes);
    this.records++;
    this.lastDelta = content.offsetDelta;
    if (record.timestamp > this.maxTimestamp) this.maxTimestamp = record.timestamp;
  }

  private need(count: number): void {
    if (this.position + count <= this.bytes.length) return;
    const bytes = allocate(Math.max(this.bytes.length * 2, this.position + count));
    bytes.set(this.bytes.subarray(0, this.position), 0);
    this.bytes = bytes;
  }

  /** Returns the batch. The builder must not be used afterwards. */
  build(options: BatchOptions = {}): Uint8Array {
    const compression = options.compression ?? 'none';
    let batch: Uint8Array = this.bytes.subarray(0, this.position);
    if (compression !== 'none' && this.records > 0) {
      const body = compress(compression, batch.subarray(batchHeaderBytes), options.compressionLevel);
      batch = allocate(batchHeaderBytes + body.length);
      batch.set(body, batchHeaderBytes);
    }
    writeInt64(batch, batchField.baseOffset, options.baseOffset ?? 0);
    writeInt32(batch, batchField.batchLength, batch.length - batchOverheadBytes);
    writeInt32(batch, batchField.partitionLeaderEpoch, options.partitionLeaderEpoch ?? -1);
    batch[batchField.magic] = batchMagic;
    writeInt16(batch, batchField.attributes, attributesOf(options, this.records > 0 ? compression : 'none'));
    writeInt32(batch, batchField.lastOffsetDelta, options.lastOffsetDelta ?? this.lastDelta);
    writeInt64(batch, batchField.baseTimestamp, options.baseTimestamp ?? this.baseTimestamp ?? -1);
    writeInt64(batch, batchField.maxTimestamp, options.maxTimestamp ?? this.maxTimestamp);
    writeInt64(batch, batchField.producerId, options.producerId ?? -1);
    writeInt16(batch, batchField.producerEpoch, options.producerEpoch ?? -1);
    writeInt32(batch, batchField.baseSequence, options.baseSequence ?? -1);
    writeInt32(batch, batchField.recordsCount, this.records);
    updateCrc(batch);
    return batch;
  }
}

function attributesOf(options: BatchOptions, compression: CompressionType): number {
  return (
    compressionTypes.indexOf(compression) |
    (options.timestampType === 'LogAppendTime' ? attribute.logAppendTime : 0) |
    (options.isTransactional === true ? attribute.transactional : 0) |
    (options.isControl === true ? attribute.control : 0) |
    (options.hasDeleteHorizon === true ? attribute.deleteHorizon : 0)
  );
}

/**
 * Builds a batch. Without records the batch is only a header; compaction keeps such a header of a producer's last batch, so
 * that the producer's sequence number is not lost.
 */
export function buildBatch(options: BatchOptions & { readonly records: readonly NewRecord[] }): Uint8Array {
  let expectedBytes = batchHeaderBytes;
  for (const { key, value, headers } of options.records)
    expectedBytes += 32 + (key?.length ?? 0) + (value?.length ?? 0) + (headers?.length ?? 0) * 64;
  const builder = new BatchBuilder(expectedBytes, options.baseTimestamp ?? null);
  for (const record of options.records) builder.append(record);
  return builder.build(options);
}

/**
 * Decodes single records, for recompression and for searches by time within one batch. The checks of records before they get
 * offsets are in `record-inspection.ts`; the errors of these checks are defined here.
 */
import { DecodeError } from '../../protocol/codec/errors.ts';
import type { ErrorRow } from '../../protocol/errors.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import type { BatchHeader, CompressionType } from '../../protocol/records/batch.ts';
import { BatchHeader as Header } from '../../protocol/records/batch.ts';
import { BatchBuilder } from '../../protocol/records/builder.ts';
import type { KafkaRecord } from '../../protocol/records/record.ts';
import { decodeRecords } from '../../protocol/records/record.ts';
import type { LogConfig } from '../log-config.ts';

/** The result of a search by time. */
export interface TimestampOffset {
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

export interface RecordError {
  /** Position of the record in its batch. */
  readonly index: number;
  readonly message: string;
}

/** An error that names the invalid records, which Produce responses list from version 8 on. */
export class RecordValidationError extends KafkaError {
  readonly recordErrors: readonly RecordError[];

  constructor(error: ErrorRow, message: string, recordErrors: readonly RecordError[] = []) {
    super(error, message);
    this.recordErrors = recordErrors;
  }
}

const expansionMax = 4;
const unpackedBytesFloor = 16 * 1024 * 1024;

/**
 * The largest size to which a batch may decompress: four times the topic's maximum batch size, but at least 16 MiB. To
 * decompress 16 MiB blocks the event loop for about 40 ms (docs/decisions/0065-one-bound-for-unpacked-batches.md).
 */
export function unpackedBytesMax(config: LogConfig): number {
  return Math.max(unpackedBytesFloor, expansionMax * config.maxMessageBytes);
}

/** The records of a client's batch. Throws a KafkaError for the client when they cannot be decoded. */
function decode(header: BatchHeader, content: Uint8Array, config: LogConfig): KafkaRecord[] {
  try {
    return decodeRecords(header, unpackedBytesMax(config), header.compression === 'none' ? null : content);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const row = header.compression === 'none' ? Errors.INVALID_RECORD : Errors.CORRUPT_MESSAGE;
    throw new KafkaError(row, `Record batch cannot be read: ${error.message}`);
  }
}

/** The compression that `compression.type` requires; null: batches keep that of the producer. */
export function compressionOfTopic(config: LogConfig): CompressionType | null {
  switch (config.compressionType) {
    case 'producer':
      return null;
    case 'uncompressed':
      return 'none';
    default:
      return config.compressionType;
  }
}

function levelOf(compression: CompressionType, config: LogConfig): number | undefined {
  if (compression === 'gzip') return config.compressionGzipLevel;
  if (compression === 'lz4') return config.compressionLz4Level;
  return compression === 'zstd' ? config.compressionZstdLevel : undefined;
}

/**
 * The same batch with another compression. `content`: its decompressed records, or the batch itself when it is not compressed.
 */
export function recompress(
  header: BatchHeader,
  content: Uint8Array,
  compression: CompressionType,
  config: LogConfig,
): Uint8Array {
  const builder = new BatchBuilder(header.sizeBytes * 2, header.baseTimestamp);
  for (const record of decode(header, content, config)) builder.append(record);
  const level = levelOf(compression, config);
  return builder.build({
    compression,
    ...(level === undefined ? {} : { compressionLevel: level }),
    timestampType: header.timestampType,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    isTransactional: header.isTransactional,
    isControl: header.isControl,
    lastOffsetDelta: header.lastOffsetDelta,
    baseTimestamp: header.baseTimestamp,
    maxTimestamp: header.maxTimestamp,
  });
}

/** The first record of the batch, from `offsetMin` on, with a timestamp of at least `timestamp`; null when there is none. */
export function firstRecordAtOrAfter(
  bytes: Uint8Array,
  at: number,
  timestamp: number,
  offsetMin: number,
): TimestampOffset | null {
  const header = new Header(bytes, at);
  if (header.recordsCount === 0) return null;
  for (const record of decodeRecords(header)) {
    if (record.offset < offsetMin || record.timestamp < timestamp) continue;
    return { timestamp: record.timestamp, offset: record.offset, leaderEpoch: header.partitionLeaderEpoch };
  }
  return null;
}

/** The first record of the batch with its largest timestamp. */
export function recordOfMaxTimestamp(bytes: Uint8Array, at: number): TimestampOffset | null {
  const header = new Header(bytes, at);
  let found: KafkaRecord | null = null;
  for (const record of decodeRecords(header)) {
    if (found === null || record.timestamp > found.timestamp) found = record;
  }
  return found === null
    ? null
    : { timestamp: found.timestamp, offset: found.offset, leaderEpoch: header.partitionLeaderEpoch };
}

/**
 * What a leader checks of records before they get offsets, in Kafka's order (kafka-inventory.md §2.5). Of every batch the
 * lengths of its records are walked, compressed or not: one that no consumer can read would stop them all at its offset.
 * Records are decoded only where the topic's settings force it (keys of compacted topics, another compression, a lower
 * bound of timestamps).
 */
import { Errors, KafkaError } from '../protocol/errors.ts';
import { DecodeError } from '../protocol/codec/errors.ts';
import type { BatchHeader } from '../protocol/records/batch.ts';
import { batchHeader, batchHeaderBytes, checkCrc, setLogAppendTime } from '../protocol/records/batch.ts';
import { decompress } from '../protocol/records/compression.ts';
import { headerFault } from './batch-scan.ts';
import { VarintReader } from '../protocol/records/integers.ts';
import type { LogConfig } from './log-config.ts';
import type { AppendOrigin } from './producer-state.ts';
import { checkRecords, compressionOfTopic, recompress, RecordValidationError } from './record-checks.ts';

export interface ValidBatch {
  /** Exactly the batch; the caller may write its base offset and epoch. */
  readonly bytes: Uint8Array;
  readonly header: BatchHeader;
}

export interface ValidationContext {
  readonly config: LogConfig;
  readonly origin: AppendOrigin;
  /** Of the Produce request. */
  readonly requestVersion: number;
  readonly nowMs: number;
}

/** Produce requests before this version can't carry zstd. */
const zstdVersionMin = 7;

/** Throws KafkaError when any batch is refused: then none is appended. */
export function validateForLeader(records: Uint8Array, context: ValidationContext): ValidBatch[] {
  const found: ValidBatch[] = [];
  let at = 0;
  while (at < records.length) {
    const batch = validateBatch(records, at, context);
    at += batch.sizeBytes;
    found.push(batch.valid);
  }
  if (found.length === 0) throw new KafkaError(Errors.INVALID_RECORD, 'Record batch is missing');
  if (found.length > 1 && context.origin === 'client') {
    throw new KafkaError(
      Errors.INVALID_RECORD,
      'Produce requests must have exactly one record batch per partition',
    );
  }
  return found;
}

function validateBatch(
  records: Uint8Array,
  at: number,
  context: ValidationContext,
): { valid: ValidBatch; sizeBytes: number } {
  const { config, origin } = context;
  checkForm(records, at);
  let header = batchHeader(records, at);
  const { sizeBytes } = header;
  let bytes = at === 0 && sizeBytes === records.length ? records : records.subarray(at, at + sizeBytes);
  if (sizeBytes > config.maxMessageBytes) throw tooLarge(sizeBytes, config.maxMessageBytes);
  if (!checkCrc(bytes, 0, header))
    throw new KafkaError(Errors.CORRUPT_MESSAGE, 'Record is corrupt: wrong checksum');
  checkHeader(header, context);
  if (!header.isControl) checkLengths(bytes, header);
  if (needsRecords(header, config) && !header.isControl) checkRecords(header, config, context.nowMs);
  const wanted = compressionOfTopic(config);
  if (wanted !== null && wanted !== header.compression && !header.isControl) {
    bytes = recompress(header, wanted, config);
    header = batchHeader(bytes, 0);
    if (header.sizeBytes > config.maxMessageBytes) throw tooLarge(header.sizeBytes, config.maxMessageBytes);
  }
  if (config.messageTimestampType === 'LogAppendTime' && origin !== 'replication') {
    setLogAppendTime(bytes, 0, context.nowMs);
    header = batchHeader(bytes, 0);
  }
  if (header.sizeBytes > config.segmentBytes) {
    throw new KafkaError(
      Errors.RECORD_LIST_TOO_LARGE,
      `Message batch size is ${header.sizeBytes} bytes in append, which exceeds the maximum configured segment size of ${config.segmentBytes}`,
    );
  }
  return { valid: { bytes, header }, sizeBytes };
}

function tooLarge(sizeBytes: number, sizeBytesMax: number): KafkaError {
  return new KafkaError(
    Errors.MESSAGE_TOO_LARGE,
    `The record batch size is ${sizeBytes} bytes, which exceeds the maximum configured value of ${sizeBytesMax}`,
  );
}

/** The framing: a whole batch of format 2. */
function checkForm(records: Uint8Array, at: number): void {
  const remaining = records.length - at;
  const fault = headerFault(records, at, remaining, 0);
  if (fault === null) return;
  if (remaining >= batchHeaderBytes && (records[at + 16] as number) !== 2) {
    throw new KafkaError(Errors.INVALID_RECORD, `Record batch has an unsupported ${fault}`);
  }
  // With the right checksum it is what its sender made of it: asking again won't help.
  if (isIntact(records, at)) throw invalid(`Record batch has an invalid ${fault}`);
  throw new KafkaError(Errors.CORRUPT_MESSAGE, `Record is corrupt: ${fault}`);
}

function isIntact(records: Uint8Array, at: number): boolean {
  if (records.length - at < batchHeaderBytes) return false;
  const header = batchHeader(records, at);
  if (header.sizeBytes < batchHeaderBytes || header.sizeBytes > records.length - at) return false;
  return checkCrc(records, at, header);
}

function checkHeader(header: BatchHeader, context: ValidationContext): void {
  const { config, origin, nowMs } = context;
  if (header.recordsCount <= 0 || header.lastOffsetDelta + 1 !== header.recordsCount) {
    throw invalid(
      `Last offset delta ${header.lastOffsetDelta} does not match the number of records ${header.recordsCount}`,
    );
  }
  if (origin === 'client') {
    if (header.isControl) throw invalid('Clients are not allowed to write control records');
    if (header.producerId >= 0 && header.baseSequence < 0)
      throw invalid(`Invalid sequence number ${header.baseSequence} in a batch with a producer id`);
    if (header.isTransactional && header.producerId < 0)
      throw invalid('A transactional batch needs a producer id');
  }
  if (header.compression === null) throw invalid(`Unknown compression type ${header.attributes & 7}`);
  if (header.compression === 'zstd' && origin === 'client' && context.requestVersion < zstdVersionMin) {
    throw new KafkaError(
      Errors.UNSUPPORTED_COMPRESSION_TYPE,
      'Produce requests below version 7 can not carry zstd',
    );
  }
  if (config.messageTimestampType === 'LogAppendTime') return;
  if (header.timestampType !== 'CreateTime') {
    throw new RecordValidationError(
      Errors.INVALID_TIMESTAMP,
      'Invalid timestamp type in a batch: the topic takes CreateTime',
    );
  }
  if (header.maxTimestamp - nowMs > config.messageTimestampAfterMaxMs) {
    throw new RecordValidationError(
      Errors.INVALID_TIMESTAMP,
      `Timestamp ${header.maxTimestamp} of message is out of range. The timestamp should be at most ${nowMs + config.messageTimestampAfterMaxMs}`,
    );
  }
}

function invalid(message: string): RecordValidationError {
  return new RecordValidationError(Errors.INVALID_RECORD, message);
}

function needsRecords(header: BatchHeader, config: LogConfig): boolean {
  if (config.cleanupPolicy.compact) return true;
  return (
    header.timestampType === 'CreateTime' && config.messageTimestampBeforeMaxMs < Number.MAX_SAFE_INTEGER
  );
}

/** Hops from record to record by their lengths: the count must be right and the last must end the batch. */
function checkLengths(bytes: Uint8Array, header: BatchHeader): void {
  const content = contentOf(bytes, header);
  const reader = new VarintReader(content, content === bytes ? batchHeaderBytes : 0, content.length);
  try {
    for (let i = header.recordsCount; i > 0; i--) {
      const length = reader.varint();
      if (length < 0 || length > reader.end - reader.position)
        throw invalid(`A record has the length ${length}`);
      reader.position += length;
    }
  } catch (error) {
    if (error instanceof DecodeError) throw invalid(`Records do not match their batch: ${error.message}`);
    throw error;
  }
  if (reader.position !== content.length)
    throw invalid(`${content.length - reader.position} bytes behind the last record`);
}

/** The batch itself, or what its records are decompressed to. */
function contentOf(bytes: Uint8Array, header: BatchHeader): Uint8Array {
  const { compression } = header;
  if (compression === 'none' || compression === null) return bytes;
  try {
    return decompress(compression, bytes.subarray(batchHeaderBytes));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new KafkaError(Errors.CORRUPT_MESSAGE, `Record batch can not be read: ${error.message}`);
  }
}

/**
 * The checks that a leader makes before records get offsets, in Kafka's order. The records of every batch except control
 * batches are checked, compressed or not: consumers could not read past an invalid one. They are decoded only when the topic
 * requires another compression.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts';
import { DecodeError } from '../../protocol/codec/errors.ts';
import type { BatchHeader } from '../../protocol/records/batch.ts';
import {
  batchHeader,
  batchHeaderBytes,
  checkCrc,
  setLogAppendTime,
  setMaxTimestamp,
} from '../../protocol/records/batch.ts';
import { decompress } from '../../protocol/records/compression.ts';
import { headerFault } from '../segment/batch-scan.ts';
import type { AppendOrigin } from '../producers/producer-state.ts';
import { compressionOfTopic, recompress, RecordValidationError, unpackedBytesMax } from './record-checks.ts';
import { type InspectionContext, inspectRecords } from './record-inspection.ts';

export interface ValidBatch {
  /** Exactly the batch; the caller may write its base offset and epoch. */
  readonly bytes: Uint8Array;
  readonly header: BatchHeader;
}

export interface ValidationContext extends InspectionContext {
  readonly origin: AppendOrigin;
  /** Version of the Produce request. */
  readonly requestVersion: number;
}

/** The first version of Produce requests that may contain zstd. */
const zstdVersionMin = 7;

/** Checks the batches of one append. Throws a KafkaError if one of them is invalid; then none may be appended. */
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
  const content = header.isControl ? bytes : contentOf(bytes, header, unpackedBytesMax(config));
  if (!header.isControl) {
    // Retention and searches by time use the largest timestamp in the header, so it is computed from the records, not taken
    // from the client.
    const maxTimestamp = inspectRecords(content, header, context);
    if (config.messageTimestampType === 'CreateTime') {
      setMaxTimestamp(bytes, 0, maxTimestamp);
      header = batchHeader(bytes, 0);
    }
  }
  const wanted = compressionOfTopic(config);
  if (wanted !== null && wanted !== header.compression && !header.isControl) {
    bytes = recompress(header, content, wanted, config);
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
    `The record batch size is ${sizeBytes} bytes, which exceeds the maximum configured value of ${sizeBytesMax}; raise max.message.bytes of the topic, or have the producer send smaller batches.`,
  );
}

/** Throws unless there is a whole batch of format 2 at `at`. */
function checkForm(records: Uint8Array, at: number): void {
  const remaining = records.length - at;
  const fault = headerFault(records, at, remaining, 0);
  if (fault === null) return;
  if (remaining >= batchHeaderBytes && (records[at + 16] as number) !== 2) {
    throw new KafkaError(Errors.INVALID_RECORD, `Record batch has an unsupported ${fault}`);
  }
  // If the checksum is right, the sender has made the batch like this, and to send it again would not help.
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
  const { origin } = context;
  if (header.recordsCount <= 0 || header.lastOffsetDelta + 1 !== header.recordsCount) {
    throw invalid(
      `Last offset delta ${header.lastOffsetDelta} does not match the number of records ${header.recordsCount}`,
    );
  }
  if (origin === 'client') {
    if (header.baseOffset !== 0)
      throw invalid(`The base offset of a batch should be 0, but it is ${header.baseOffset}`);
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
}

function invalid(message: string): RecordValidationError {
  return new RecordValidationError(Errors.INVALID_RECORD, message);
}

/** The batch itself, or its decompressed records. */
function contentOf(bytes: Uint8Array, header: BatchHeader, maxBytes: number): Uint8Array {
  const { compression } = header;
  if (compression === 'none' || compression === null) return bytes;
  try {
    return decompress(compression, bytes.subarray(batchHeaderBytes), maxBytes);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new KafkaError(Errors.CORRUPT_MESSAGE, `Record batch cannot be read: ${error.message}`);
  }
}

/**
 * Checks the records of a batch before a leader appends it, in one pass that does not decode them: lengths, timestamps, offsets
 * and keys. After an invalid length the batch is refused at once. Other errors are collected for each record, with Kafka's
 * messages, and the batch is refused at the end. As in Kafka, at most one error is reported of each record.
 */
import { DecodeError } from '../../protocol/codec/errors.ts';
import { Errors } from '../../protocol/errors.ts';
import type { BatchHeader } from '../../protocol/records/batch.ts';
import { batchHeaderBytes } from '../../protocol/records/batch.ts';
import { VarintReader } from '../../protocol/records/integers.ts';
import type { LogConfig } from '../log-config.ts';
import { type RecordError, RecordValidationError } from './record-checks.ts';

export interface InspectionContext {
  readonly config: LogConfig;
  /** The partition's name in messages: `topic-0`. */
  readonly partition: string;
  readonly nowMs: number;
}

/** The maximum number of errors that are listed; further ones are only counted. */
const recordErrorsMax = 1000;
const int64Max = 2n ** 63n - 1n;

/** `content`: the batch itself, or its decompressed records. Returns the largest timestamp of the records. */
export function inspectRecords(content: Uint8Array, header: BatchHeader, context: InspectionContext): number {
  const inspection = new Inspection(header, context);
  const isCompressed = header.compression !== 'none';
  const reader = new VarintReader(content, isCompressed ? 0 : batchHeaderBytes, content.length);
  try {
    for (let index = 0; index < header.recordsCount; index++) inspection.next(reader, index);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw refused(`Records do not match their batch: ${error.message}`);
  }
  if (reader.position !== content.length)
    throw refused(`${content.length - reader.position} bytes after the last record`);
  inspection.finish();
  return inspection.maxTimestamp;
}

function refused(message: string): RecordValidationError {
  return new RecordValidationError(Errors.INVALID_RECORD, message);
}

class Inspection {
  maxTimestamp = -1;
  readonly #context: InspectionContext;
  readonly #baseTimestamp: number;
  readonly #needsKey: boolean;
  readonly #checksOffsets: boolean;
  /** The timestamp of all records when the batch is marked LogAppendTime; else null. */
  readonly #batchTime: number | null;
  /** The client has marked its batch as LogAppendTime, although only a broker may set that mark. */
  readonly #isMistyped: boolean;
  readonly #earliestMs: number;
  readonly #latestMs: number;
  readonly #errors: RecordError[] = [];
  #errorsCount = 0;
  #isUntimely = false;

  constructor(header: BatchHeader, context: InspectionContext) {
    const { config, nowMs } = context;
    const checksTime = config.messageTimestampType === 'CreateTime';
    this.#context = context;
    this.#baseTimestamp = header.baseTimestamp;
    this.#needsKey = config.cleanupPolicy.compact;
    // As in Kafka, the offsets of records are checked in compressed batches only.
    this.#checksOffsets = header.compression !== 'none';
    // As in Kafka, the client's mark is refused if the topic uses LogAppendTime itself, or if the batch has no timestamp.
    this.#batchTime = header.timestampType === 'LogAppendTime' ? header.maxTimestamp : null;
    this.#isMistyped = this.#batchTime !== null && (!checksTime || this.#batchTime === -1);
    this.#earliestMs = checksTime ? nowMs - config.messageTimestampBeforeMaxMs : Number.NEGATIVE_INFINITY;
    this.#latestMs = checksTime ? nowMs + config.messageTimestampAfterMaxMs : Number.POSITIVE_INFINITY;
  }

  next(reader: VarintReader, index: number): void {
    const length = reader.varint();
    const end = reader.position + length;
    if (length < 0 || end > reader.end) throw refused(`A record has the length ${length}`);
    reader.byte();
    const timestamp = this.#baseTimestamp + reader.varlong();
    const offsetDelta = reader.varint();
    const keyLength = reader.varint();
    if (reader.position > end) throw refused(`A record has the length ${length}`);
    reader.position = end;
    if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp;
    if (this.#checksOffsets && offsetDelta !== index) this.#misplaced(index);
    else if (this.#needsKey && keyLength < 0) this.#keyless(index);
    else if (this.#isMistyped) this.#mistyped(index);
    else this.#checkTime(index, this.#batchTime ?? timestamp);
  }

  /** Called after the last record: throws if a record was invalid. */
  finish(): void {
    if (this.#errorsCount === 0) return;
    const text = 'One or more records have been rejected due to';
    if (this.#isUntimely) {
      const message = `${text} invalid timestamp`;
      throw new RecordValidationError(Errors.INVALID_TIMESTAMP, message, this.#errors);
    }
    const shown = this.#errors
      .slice(0, 3)
      .map(({ index, message }) => `RecordError(batchIndex=${index}, message='${message}')`);
    throw new RecordValidationError(
      Errors.INVALID_RECORD,
      `${text} ${this.#errorsCount} record errors in total, and only showing the first three errors at most: [${shown.join(', ')}]`,
      this.#errors,
    );
  }

  #misplaced(index: number): void {
    this.#add(
      index,
      `Inner record ${index} inside the compressed record batch does not have incremental offsets, expected offset is ${index} in topic partition ${this.#context.partition}`,
    );
  }

  #keyless(index: number): void {
    this.#add(
      index,
      `Compacted topic cannot accept message without key in topic partition ${this.#context.partition}`,
    );
  }

  #mistyped(index: number): void {
    this.#isUntimely = true;
    this.#add(
      index,
      `Invalid timestamp type in message with offset ${index}. Producer should not set timestamp type to LogAppendTime.`,
    );
  }

  #checkTime(index: number, timestamp: number): void {
    if (timestamp === -1 || (timestamp >= this.#earliestMs && timestamp <= this.#latestMs)) return;
    this.#isUntimely = true;
    const { config, nowMs } = this.#context;
    const earliest = BigInt(nowMs) - asInt64(config.messageTimestampBeforeMaxMs);
    const latest = BigInt(nowMs) + asInt64(config.messageTimestampAfterMaxMs);
    this.#add(
      index,
      `Timestamp ${timestamp} of message with offset ${index} is out of range. The timestamp should be within [${earliest}, ${latest}]`,
    );
  }

  #add(index: number, message: string): void {
    this.#errorsCount++;
    if (this.#errors.length < recordErrorsMax) this.#errors.push({ index, message });
  }
}

/**
 * A configured number as 64-bit integer. The configuration stores the largest 64-bit integer as the largest safe JavaScript
 * number.
 */
function asInt64(value: number): bigint {
  return value >= Number.MAX_SAFE_INTEGER ? int64Max : BigInt(value);
}

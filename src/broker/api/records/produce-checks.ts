/**
 * Checks the records of one partition in a Produce request before the log gets them: they must be exactly one batch of magic 2,
 * and not compressed with zstd before v7. The log itself checks CRC, sizes, offsets, timestamps and sequence numbers.
 */
import { Errors, KafkaError } from '../../../protocol/errors.ts';
import { batchHeader, batchHeaderBytes, batchOverheadBytes } from '../../../protocol/records/batch.ts';

/** Position of the magic byte. It is the same in all batch formats. */
const magicAt = 16;
const lengthAt = 8;
/** The smallest value of the length field, in any batch format. */
const lengthBytesMin = 14;
const zstd = 4;
const zstdVersion = 7;

/** Returns the batch if it is valid. Throws `KafkaError` otherwise. */
export function checkRecords(records: Uint8Array | null, version: number): Uint8Array {
  if (records === null || !beginsWithBatch(records)) {
    throw invalid(
      `Produce requests with version ${version} must have at least one record batch per partition`,
    );
  }
  if (records[magicAt] !== 2) {
    throw invalid(
      `Produce requests with version ${version} are only allowed to contain record batches with magic version 2`,
    );
  }
  const header = batchHeader(records, 0);
  if (header.sizeBytes < batchHeaderBytes)
    throw new KafkaError(
      Errors.CORRUPT_MESSAGE,
      `a record batch of ${header.sizeBytes} bytes is smaller than its header (${batchHeaderBytes} bytes)`,
    );
  if (header.sizeBytes < records.length) {
    throw invalid(
      `Produce requests with version ${version} are only allowed to contain exactly one record batch per partition`,
    );
  }
  if ((header.attributes & 7) === zstd && version < zstdVersion) {
    throw new KafkaError(
      Errors.UNSUPPORTED_COMPRESSION_TYPE,
      `Produce requests with version ${version} are not allowed to use ZStandard compression`,
    );
  }
  return records;
}

/** Whether the bytes begin with a complete batch of any format. Throws if they cannot be a batch at all. */
function beginsWithBatch(records: Uint8Array): boolean {
  if (records.length <= magicAt) return false;
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  const lengthBytes = view.getInt32(lengthAt);
  if (lengthBytes < lengthBytesMin)
    throw new KafkaError(
      Errors.CORRUPT_MESSAGE,
      `Record size ${lengthBytes} is less than the minimum record overhead (${lengthBytesMin})`,
    );
  const magic = view.getInt8(magicAt);
  if (magic < 0 || magic > 2)
    throw new KafkaError(Errors.CORRUPT_MESSAGE, `Invalid magic found in record: ${magic}`);
  return lengthBytes + batchOverheadBytes <= records.length;
}

function invalid(message: string): KafkaError {
  return new KafkaError(Errors.INVALID_RECORD, message);
}

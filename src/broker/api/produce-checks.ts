/**
 * What a Produce request's records have to be before a log looks at them: exactly one batch of magic 2. The log itself checks
 * CRC, sizes, offsets, timestamps and sequences.
 */
import { Errors, KafkaError } from '../../protocol/errors.ts';
import { batchHeader, batchHeaderBytes } from '../../protocol/records/batch.ts';

/** Position of the magic byte in any version of the format. */
const magicAt = 16;
const zstd = 4;
const zstdVersion = 7;

/** The batch; throws `KafkaError`. */
export function checkRecords(
  records: Uint8Array | null,
  version: number,
  transactionalId: string | null,
): Uint8Array {
  if (records === null || records.length === 0) {
    throw invalid(
      `Produce requests with version ${version} must have at least one record batch per partition`,
    );
  }
  if (records.length > magicAt && records[magicAt] !== 2) {
    throw invalid(
      `Produce requests with version ${version} are only allowed to contain record batches with magic version 2`,
    );
  }
  if (records.length < batchHeaderBytes)
    throw new KafkaError(Errors.CORRUPT_MESSAGE, 'record batch without a whole header');
  const header = batchHeader(records, 0);
  if (header.sizeBytes > records.length || header.sizeBytes < batchHeaderBytes) {
    throw new KafkaError(
      Errors.CORRUPT_MESSAGE,
      `record batch of ${header.sizeBytes} bytes in ${records.length}`,
    );
  }
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
  if (header.isTransactional) refuseTransactional(transactionalId);
  return records;
}

function refuseTransactional(transactionalId: string | null): never {
  if (transactionalId === null) throw new KafkaError(Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  throw new KafkaError(Errors.INVALID_TXN_STATE, 'Transactions are not served by this broker');
}

function invalid(message: string): KafkaError {
  return new KafkaError(Errors.INVALID_RECORD, message);
}

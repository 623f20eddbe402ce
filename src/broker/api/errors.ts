/**
 * Replacements of error codes that old clients do not know. A client treats an unknown code as fatal, so in an old version the
 * broker sends another code that the client knows. The replacements are those of Kafka's own handlers, one row each.
 */
import { ApiKey } from '../../protocol/messages/api-keys.ts';
import { type ErrorRow, Errors } from '../../protocol/errors.ts';

interface DownMapping {
  readonly apiKey: number;
  /** Responses in versions below this one have `sent` instead of `error`. */
  readonly belowVersion: number;
  readonly error: ErrorRow;
  readonly sent: ErrorRow;
}

const downMappings: readonly DownMapping[] = [
  {
    apiKey: ApiKey.Fetch,
    belowVersion: 6,
    error: Errors.KAFKA_STORAGE_ERROR,
    sent: Errors.NOT_LEADER_OR_FOLLOWER,
  },
  {
    apiKey: ApiKey.Produce,
    belowVersion: 4,
    error: Errors.KAFKA_STORAGE_ERROR,
    sent: Errors.NOT_LEADER_OR_FOLLOWER,
  },
  {
    apiKey: ApiKey.Produce,
    belowVersion: 11,
    error: Errors.TRANSACTION_ABORTABLE,
    sent: Errors.INVALID_TXN_STATE,
  },
  {
    apiKey: ApiKey.ListOffsets,
    belowVersion: 5,
    error: Errors.OFFSET_NOT_AVAILABLE,
    sent: Errors.LEADER_NOT_AVAILABLE,
  },
  {
    apiKey: ApiKey.Metadata,
    belowVersion: 6,
    error: Errors.LISTENER_NOT_FOUND,
    sent: Errors.LEADER_NOT_AVAILABLE,
  },
  {
    apiKey: ApiKey.InitProducerId,
    belowVersion: 4,
    error: Errors.PRODUCER_FENCED,
    sent: Errors.INVALID_PRODUCER_EPOCH,
  },
  {
    apiKey: ApiKey.AddPartitionsToTxn,
    belowVersion: 2,
    error: Errors.PRODUCER_FENCED,
    sent: Errors.INVALID_PRODUCER_EPOCH,
  },
  {
    apiKey: ApiKey.AddOffsetsToTxn,
    belowVersion: 2,
    error: Errors.PRODUCER_FENCED,
    sent: Errors.INVALID_PRODUCER_EPOCH,
  },
  {
    apiKey: ApiKey.EndTxn,
    belowVersion: 2,
    error: Errors.PRODUCER_FENCED,
    sent: Errors.INVALID_PRODUCER_EPOCH,
  },
];

/** The code for `error` in a response of this version. */
export function errorCode(apiKey: number, version: number, error: ErrorRow): number {
  for (const row of downMappings) {
    if (row.error === error && row.apiKey === apiKey && version < row.belowVersion) return row.sent.code;
  }
  return error.code;
}

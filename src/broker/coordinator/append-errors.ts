/**
 * Replaces errors of the log by errors of coordinators, because clients of a coordinator can handle only the errors of
 * coordinators.
 */
import { type ErrorRow, Errors } from '../../protocol/errors.ts';

const translations: ReadonlyMap<ErrorRow, ErrorRow> = new Map([
  [Errors.UNKNOWN_TOPIC_OR_PARTITION, Errors.COORDINATOR_NOT_AVAILABLE],
  [Errors.NOT_ENOUGH_REPLICAS, Errors.COORDINATOR_NOT_AVAILABLE],
  [Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND, Errors.COORDINATOR_NOT_AVAILABLE],
  [Errors.REQUEST_TIMED_OUT, Errors.COORDINATOR_NOT_AVAILABLE],
  [Errors.NOT_LEADER_OR_FOLLOWER, Errors.NOT_COORDINATOR],
  [Errors.KAFKA_STORAGE_ERROR, Errors.NOT_COORDINATOR],
  [Errors.FENCED_LEADER_EPOCH, Errors.NOT_COORDINATOR],
]);

/**
 * The error for the client. `tooLarge`: the error for records that are too large for the log, which depends on the coordinator.
 */
export function coordinatorError(error: ErrorRow, tooLarge: ErrorRow): ErrorRow {
  if (error === Errors.MESSAGE_TOO_LARGE || error === Errors.RECORD_LIST_TOO_LARGE) return tooLarge;
  return translations.get(error) ?? error;
}

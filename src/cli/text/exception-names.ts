/** The names of the Java exceptions for Kafka's errors. Tools print them, and scripts search the output of tools for them. */
import { Errors, type ErrorName, type KafkaError } from '../../protocol/errors.ts';

/** Exceptions whose name cannot be derived from the name of the error. */
const odd: Partial<Record<ErrorName, string>> = {
  UNKNOWN_SERVER_ERROR: 'UnknownServerException',
  CORRUPT_MESSAGE: 'CorruptRecordException',
  REQUEST_TIMED_OUT: 'TimeoutException',
  MESSAGE_TOO_LARGE: 'RecordTooLargeException',
  TOPIC_ALREADY_EXISTS: 'TopicExistsException',
  INVALID_TOPIC_EXCEPTION: 'InvalidTopicException',
  RECORD_LIST_TOO_LARGE: 'RecordBatchTooLargeException',
  NOT_ENOUGH_REPLICAS: 'NotEnoughReplicasException',
  GROUP_ID_NOT_FOUND: 'GroupIdNotFoundException',
  NON_EMPTY_GROUP: 'GroupNotEmptyException',
  INVALID_CONFIG: 'InvalidConfigurationException',
  ELECTION_NOT_NEEDED: 'ElectionNotNeededException',
  KAFKA_STORAGE_ERROR: 'KafkaStorageException',
  DELEGATION_TOKEN_AUTH_DISABLED: 'DelegationTokenDisabledException',
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: 'UnsupportedByAuthenticationException',
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: 'DelegationTokenAuthorizationException',
};

/** Returns the full name of the exception: `org.apache.kafka.common.errors.TimeoutException` for REQUEST_TIMED_OUT. */
export function exceptionName(error: KafkaError): string {
  const { name } = error.error;
  const words = name.split('_').map((word) => word.charAt(0) + word.slice(1).toLowerCase());
  return `org.apache.kafka.common.errors.${odd[name] ?? `${words.join('')}Exception`}`;
}

/** Returns the name of the exception with its message, as Java prints the cause of another exception. */
export function exceptionText(error: KafkaError): string {
  const name = exceptionName(error);
  return error.message === '' || error.error === Errors.NONE ? name : `${name}: ${error.message}`;
}

/**
 * A failure of a tool as Java's tools print it: a message for the user, and a line with the Java exception for standard error.
 */
import { isRetriable } from '../../client/retry.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { exceptionText } from './exception-names.ts';

export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  /** The class of the Java exception and its message. */
  readonly exception: string;

  constructor(message: string, exception: string) {
    super(message);
    this.exception = exception;
  }
}

/**
 * Converts an error into a failure. The exception is the one that a Java tool has after it waited for the result in a future:
 * an ExecutionException with the cause.
 */
export function failureOf(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error;
  if (error instanceof KafkaError) {
    const text = exceptionText(error);
    return new CommandFailure(text, `java.util.concurrent.ExecutionException: ${text}`);
  }
  if (isRetriable(error)) {
    const text = `org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node assignment (${(error as Error).message})`;
    return new CommandFailure(text, `java.util.concurrent.ExecutionException: ${text}`);
  }
  const { name, message } = error as Error;
  return new CommandFailure(message, `${name}: ${message}`);
}

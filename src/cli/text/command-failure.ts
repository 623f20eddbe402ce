/** A failure in the form of Java's tools: a message for the user, and the exception's own line for standard error. */
import { isRetriable } from '../../client/retry.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { exceptionText } from './exception-names.ts';

export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  /** Class and message of the exception. */
  readonly exception: string;

  constructor(message: string, exception: string) {
    super(message);
    this.exception = exception;
  }
}

/** Converts a caught error into a failure as if it came out of a Java future. */
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

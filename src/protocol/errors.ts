/**
 * Kafka's errors. A handler that fails throws a `KafkaError`, which has the row of its error code. The response has that code;
 * clients see nothing else of the error, except the message where the response has a field for it.
 */
import { errorRows } from './error-rows.ts';

export type ErrorName = keyof typeof errorRows;

export interface ErrorRow {
  readonly name: ErrorName;
  readonly code: number;
  /** Whether clients send the request again without telling the application. */
  readonly retriable: boolean;
  readonly message: string;
}

/** The rows of all errors by name: `Errors.NOT_LEADER_OR_FOLLOWER.code`. */
export const Errors: { readonly [Name in ErrorName]: ErrorRow } = Object.fromEntries(
  Object.entries(errorRows).map(([name, [code, retriable, message]]) => [
    name,
    Object.freeze({ name, code, retriable, message }),
  ]),
) as { [Name in ErrorName]: ErrorRow };

const byCode: ReadonlyMap<number, ErrorRow> = new Map(Object.values(Errors).map((row) => [row.code, row]));

/** The row of an error code; that of UNKNOWN_SERVER_ERROR for an unknown code. */
export function errorOf(code: number): ErrorRow {
  return byCode.get(code) ?? Errors.UNKNOWN_SERVER_ERROR;
}

export class KafkaError extends Error {
  override readonly name = 'KafkaError';
  readonly error: ErrorRow;

  /** `message`: sent instead of the row's text, in responses that have a field for a text. */
  constructor(error: ErrorRow, message: string = error.message) {
    super(message);
    this.error = error;
  }

  get code(): number {
    return this.error.code;
  }

  /** The message if it is not just the text of the row, otherwise null. Kafka's controller sends null in that case. */
  get ownMessage(): string | null {
    return this.message === this.error.message ? null : this.message;
  }
}

/** The row of a caught error: that of a `KafkaError`, otherwise UNKNOWN_SERVER_ERROR. */
export function errorRowOf(error: unknown): ErrorRow {
  return error instanceof KafkaError ? error.error : Errors.UNKNOWN_SERVER_ERROR;
}

/**
 * Kafka's errors. A handler that fails throws `KafkaError`, whose row gives the error code of the response; nothing else of the
 * error is sent.
 */
import { errorRows } from './error-rows.ts';

export type ErrorName = keyof typeof errorRows;

export interface ErrorRow {
  readonly name: ErrorName;
  readonly code: number;
  /** Clients retry by themselves. */
  readonly retriable: boolean;
  readonly message: string;
}

/** All errors by name: `Errors.NOT_LEADER_OR_FOLLOWER.code`. */
export const Errors: { readonly [Name in ErrorName]: ErrorRow } = Object.fromEntries(
  Object.entries(errorRows).map(([name, [code, retriable, message]]) => [
    name,
    Object.freeze({ name, code, retriable, message }),
  ]),
) as { [Name in ErrorName]: ErrorRow };

const byCode: ReadonlyMap<number, ErrorRow> = new Map(Object.values(Errors).map((row) => [row.code, row]));

/** The row of a code; UNKNOWN_SERVER_ERROR for an unknown code. */
export function errorOf(code: number): ErrorRow {
  return byCode.get(code) ?? Errors.UNKNOWN_SERVER_ERROR;
}

export class KafkaError extends Error {
  override readonly name = 'KafkaError';
  readonly error: ErrorRow;

  /** `message` replaces the row's text where clients receive a text. */
  constructor(error: ErrorRow, message: string = error.message) {
    super(message);
    this.error = error;
  }

  get code(): number {
    return this.error.code;
  }

  /** The text of this error; null when it is only that of its row, which Kafka's controller does not send. */
  get ownMessage(): string | null {
    return this.message === this.error.message ? null : this.message;
  }
}

/** The row of a caught error: that of a `KafkaError`, else UNKNOWN_SERVER_ERROR. */
export function errorRowOf(error: unknown): ErrorRow {
  return error instanceof KafkaError ? error.error : Errors.UNKNOWN_SERVER_ERROR;
}

/**
 * Validates names that a test gives: options and APIs. A misspelled name must be refused: otherwise a test in JavaScript would pass
 * without the fault or the condition that it was written for.
 */
import { ApiKey } from '../../protocol/messages/api-keys.ts';

/** Every option of a type; the compiler refuses a table that lacks one. */
export type OptionNames<T> = { readonly [K in keyof Required<T>]: true };

/**
 * Throws TypeError when an object has an option that its type does not have.
 *
 * @param what what the options belong to, for the message: `fault`
 */
export function checkNames<T extends object>(what: string, given: T, known: OptionNames<T>): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new TypeError(`${what} takes an object of options, not ${JSON.stringify(given)}.`);
  const names = Object.keys(known);
  const stranger = Object.keys(given).find((name) => !names.includes(name));
  if (stranger !== undefined)
    throw new TypeError(`${what} has no option '${stranger}'; options are ${names.join(', ')}.`);
}

/** Throws TypeError when Kafka has no API of this name. */
export function checkApi(name: string): void {
  if (!Object.hasOwn(ApiKey, name))
    throw new TypeError(
      `'${name}' is not a Kafka API; names are, for example, Produce, Fetch, OffsetCommit.`,
    );
}

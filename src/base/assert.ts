/**
 * Assertions of invariants. A broken invariant is a bug and ends the process (`server/` installs the handler). An error that can
 * occur in operation is a typed value or a `KafkaError`, never an assertion.
 */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws when `condition` is false. Use one call for each condition, so that the message tells which one is broken. */
export function assert(condition: boolean, message = 'assertion failed'): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Returns `value`, which the caller knows to be present. */
export function defined<T>(value: T | null | undefined, what = 'value'): T {
  if (value === null || value === undefined) throw new AssertionError(`${what} is missing`);
  return value;
}

/** Element `index` of `array`, which the caller knows to exist. */
export function at<T>(array: ArrayLike<T>, index: number): T {
  const value = array[index];
  if (value === undefined) throw new AssertionError(`index ${index} is outside [0, ${array.length})`);
  return value;
}

/** Closes the `switch` over a union: the compiler rejects a case that was forgotten. */
export function assertNever(value: never): never {
  throw new AssertionError(`unexpected case: ${JSON.stringify(value)}`);
}

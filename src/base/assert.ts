/**
 * Assertions: checks of conditions that hold unless the code has a bug. A failed assertion ends the process; `server/` installs
 * the handler that does so. Errors that can occur in operation, such as bad input or a full disk, are returned as values or
 * thrown as errors of other classes, such as `KafkaError` and `StorageError`.
 */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws when `condition` is false. Check each condition with a call of its own, so that the message says which one failed. */
export function assert(condition: boolean, message = 'assertion failed'): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Returns `value`. Throws when it is missing, which the caller has ruled out. */
export function defined<T>(value: T | null | undefined, what = 'value'): T {
  if (value === null || value === undefined) throw new AssertionError(`${what} is missing`);
  return value;
}

/** Returns the element at `index`. Throws when there is none, which the caller has ruled out. */
export function at<T>(array: ArrayLike<T>, index: number): T {
  const value = array[index];
  if (value === undefined) throw new AssertionError(`index ${index} is outside [0, ${array.length})`);
  return value;
}

/** For the default case of a `switch` over a union type: when a case is forgotten, the code does not compile. */
export function assertNever(value: never): never {
  throw new AssertionError(`unexpected case: ${JSON.stringify(value)}`);
}

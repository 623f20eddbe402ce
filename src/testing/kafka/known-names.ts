/**
 * Validates the names and values of options. A misspelled name must be refused: otherwise a test in JavaScript would pass
 * without the fault or the condition that it was written for.
 */

/** A table of all options of the type `T`, by name. The compiler refuses a table in which one is missing. */
export type OptionNames<T> = { readonly [K in keyof Required<T>]: true };

/** A value as a test writes it: the text '3' is not shown like the number 3, and NaN not like null. */
export function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
}

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

/** Throws TypeError when an option is given and is not text: a filter with it would match nothing. */
export function checkTexts(what: string, given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given))
    if (value !== undefined && typeof value !== 'string')
      throw new TypeError(`${what}: ${name} must be a string, not ${JSON.stringify(value)}.`);
}

/** Throws TypeError when an option is given and is neither true nor false. */
export function checkBooleans(what: string, given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given))
    if (value !== undefined && typeof value !== 'boolean')
      throw new TypeError(`${what}: ${name} must be true or false, not ${JSON.stringify(value)}.`);
}

/** Throws TypeError when an option is given and is not a whole number of at least `min`. */
export function checkIntegers(what: string, given: Readonly<Record<string, unknown>>, min = 0): void {
  for (const [name, value] of Object.entries(given))
    if (value !== undefined && !(Number.isSafeInteger(value) && (value as number) >= min))
      throw new TypeError(`${what}: ${name} must be a whole number from ${min} on, not ${shown(value)}.`);
}

/** Throws RangeError for a node that the cluster does not have; ids are 1 to `count`. */
export function checkNode(id: number, count: number): void {
  if (!Number.isInteger(id) || id < 1 || id > count)
    throw new RangeError(`There is no node ${JSON.stringify(id)}; nodes are 1 to ${count}.`);
}

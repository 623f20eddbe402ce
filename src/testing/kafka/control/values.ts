/**
 * Validates the values of a control request against the fields of its operation (`Verb` in `verb.ts`). Each error message names
 * the expected type.
 */
import { durationMs } from '../time.ts';
import { BadRequestError, type FieldType, type Values, type VerbField } from './verb.ts';

const expected: Readonly<Record<FieldType, string>> = {
  string: 'a string',
  integer: 'a whole number',
  boolean: 'true or false',
  duration: "milliseconds, or a number with ms, s, m, h or d, such as '7d'",
  object: 'an object whose values are strings',
  strings: 'a string, or a list of strings',
  integers: 'a list of whole numbers',
  records: 'a list of strings, or of objects with a value',
};

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDuration(value: unknown): boolean {
  try {
    durationMs(value as string);
    return true;
  } catch {
    return false;
  }
}

const isStringOrAbsent = (value: unknown): boolean =>
  typeof value === 'string' || value === null || value === undefined;

function isRecord(value: unknown): boolean {
  if (typeof value === 'string') return true;
  if (
    !isObject(value) ||
    !('value' in value) ||
    !isStringOrAbsent(value.value) ||
    !isStringOrAbsent(value.key)
  )
    return false;
  const { partition, timestampMs, headers } = value;
  return (
    (partition === undefined || Number.isInteger(partition)) &&
    (timestampMs === undefined || Number.isInteger(timestampMs)) &&
    (headers === undefined ||
      (isObject(headers) && Object.values(headers).every((one) => typeof one === 'string')))
  );
}

const fits: Readonly<Record<FieldType, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  duration: isDuration,
  object: (value) => isObject(value) && Object.values(value).every((one) => typeof one === 'string'),
  strings: (value) =>
    typeof value === 'string' || (Array.isArray(value) && value.every((one) => typeof one === 'string')),
  integers: (value) => Array.isArray(value) && value.every(Number.isInteger),
  records: (value) => Array.isArray(value) && value.every(isRecord),
};

export function checkValues(fields: Readonly<Record<string, VerbField>>, values: unknown): Values {
  if (!isObject(values)) throw new BadRequestError('The body must be a JSON object.');
  const known = Object.keys(fields);
  const unknownName = Object.keys(values).find((name) => !known.includes(name));
  if (unknownName !== undefined)
    throw new BadRequestError(
      `'${unknownName}' is not expected here; ${known.length === 0 ? 'this takes no fields' : `fields are ${known.join(', ')}`}.`,
    );
  for (const [name, { type, isRequired = false }] of Object.entries(fields)) {
    const value = values[name];
    if (value === undefined) {
      if (isRequired) throw new BadRequestError(`'${name}' is missing: expected ${expected[type]}.`);
      continue;
    }
    if (!fits[type](value))
      throw new BadRequestError(`'${name}' must be ${expected[type]}, not ${JSON.stringify(value)}.`);
  }
  return values;
}

/** The values in a query string. They are all text; those of numeric fields are converted to numbers. */
export function valuesOfQuery(fields: Readonly<Record<string, VerbField>>, query: URLSearchParams): Values {
  return Object.fromEntries(
    [...query].map(([name, text]) => [
      name,
      isNumeric(fields[name]?.type) && /^-?\d+$/.test(text) ? Number(text) : text,
    ]),
  );
}

function isNumeric(type: FieldType | undefined): boolean {
  return type === 'integer' || type === 'duration';
}

/**
 * How a property is described. The tables have one row for each key; types, parsing, checks, DescribeConfigs, the rules of
 * IncrementalAlterConfigs and docs/configuration.md are derived from the row. Error messages are Kafka's, because users search
 * for them.
 */

export type PropertyType =
  | 'BOOLEAN'
  | 'STRING'
  | 'INT'
  | 'SHORT'
  | 'LONG'
  | 'DOUBLE'
  | 'LIST'
  | 'CLASS'
  | 'PASSWORD';
export type Importance = 'high' | 'medium' | 'low';
/** Where a new value can be set while brokers run: nowhere, for a single broker only, or also for all brokers at once. */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide';
/**
 * What the key does in this release. `honoured`: the same as in Kafka. `none`: nothing, because there is nothing here that it
 * could change (for example the size of a thread pool). `missing`: nothing yet, because the feature is not built; a node warns
 * at its start when the key has another value than its default.
 */
export type Effect = 'honoured' | 'none' | 'missing';

/** A parsed value. A LONG that is too large to be a safe integer means "no limit" and becomes `longMax`. */
export type PropertyValue = boolean | number | string | readonly string[] | null;

export interface PropertyOptions {
  readonly min?: number;
  readonly max?: number;
  /** The allowed values of a STRING, or the allowed elements of a LIST. */
  readonly oneOf?: readonly string[];
  readonly ignoreCase?: boolean;
  /**
   * A check of the value. With it, `min` and `max` do not apply, and a LIST may have empty and repeated elements; `oneOf` and
   * `nonEmpty` still apply. Returns why the value is invalid, or null. A text that begins with `!` is the whole error message.
   */
  readonly check?: (value: PropertyValue, name: string) => string | null;
  /** How Kafka's documentation describes the valid values, when `validText` cannot derive it from the other fields. */
  readonly valid?: string;
  /** True for a LIST that must not be empty. */
  readonly nonEmpty?: boolean;
  readonly importance?: Importance;
  readonly update?: UpdateMode;
  readonly effect?: Effect;
  /** Kafka's documentation does not list the key. DescribeConfigs shows it only when it is set. */
  readonly internal?: boolean;
  readonly doc?: string;
}

export interface Property<T extends PropertyValue = PropertyValue> extends PropertyOptions {
  readonly type: PropertyType;
  /** Undefined when the key has no default and must be set. */
  readonly default: T | undefined;
  readonly importance: Importance;
  readonly update: UpdateMode;
  readonly effect: Effect;
}

export type PropertyTable = Readonly<Record<string, Property>>;
/** For a table: the type of an object with the parsed value of each key. */
export type ValuesOf<Table> = { [K in keyof Table]: Table[K] extends Property<infer T> ? T : never };

/** A property is invalid. The message is Kafka's if Kafka makes the same check. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export const intMax = 2_147_483_647;
/**
 * Stands for Java's Long.MAX_VALUE, which a JavaScript number cannot represent exactly. It is printed as 9223372036854775807.
 */
export const longMax = Number.MAX_SAFE_INTEGER;
const longMaxText = '9223372036854775807';

export const seconds = (count: number): number => count * 1000;
export const minutes = (count: number): number => count * 60_000;
export const hours = (count: number): number => count * 3_600_000;
export const days = (count: number): number => count * 86_400_000;
export const kibibytes = (count: number): number => count * 1024;
export const mebibytes = (count: number): number => count * 1024 * 1024;

function row<T extends PropertyValue>(
  type: PropertyType,
  value: T | undefined,
  options: PropertyOptions,
): Property<T> {
  return { importance: 'medium', update: 'read-only', effect: 'missing', ...options, type, default: value };
}

type Row<T extends PropertyValue> = (value: T, options?: PropertyOptions) => Property<T>;
type NullableRow<T extends PropertyValue> = (options?: PropertyOptions) => Property<T | null>;

export const bool: Row<boolean> = (value, options = {}) => row('BOOLEAN', value, options);
export const int: Row<number> = (value, options = {}) => row('INT', value, options);
export const short: Row<number> = (value, options = {}) => row('SHORT', value, options);
export const long: Row<number> = (value, options = {}) => row('LONG', value, options);
export const double: Row<number> = (value, options = {}) => row('DOUBLE', value, options);
export const string: Row<string> = (value, options = {}) => row('STRING', value, options);
export const list: Row<readonly string[]> = (value, options = {}) => row('LIST', value, options);
export const className: Row<string> = (value, options = {}) => row('CLASS', value, options);
export const intOrNull: NullableRow<number> = (options = {}) => row<number | null>('INT', null, options);
export const longOrNull: NullableRow<number> = (options = {}) => row<number | null>('LONG', null, options);
export const stringOrNull: NullableRow<string> = (options = {}) =>
  row<string | null>('STRING', null, options);
export const listOrNull: NullableRow<readonly string[]> = (options = {}) =>
  row<readonly string[] | null>('LIST', null, options);
export const classOrNull: NullableRow<string> = (options = {}) => row<string | null>('CLASS', null, options);
export const passwordOrNull: NullableRow<string> = (options = {}) =>
  row<string | null>('PASSWORD', null, options);
export const requiredInt = (options: PropertyOptions = {}): Property<number> =>
  row<number>('INT', undefined, options);
export const requiredList = (options: PropertyOptions = {}): Property<readonly string[]> =>
  row<readonly string[]>('LIST', undefined, options);

/**
 * Trims as Java's `String.trim` does: it removes blanks and control characters up to U+0020, but not the other white space of
 * Unicode.
 */
export function javaTrim(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && text.charCodeAt(start) <= 0x20) start++;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--;
  return text.slice(start, end);
}

/**
 * Returns the elements of a comma-separated list without the blanks around them. Empty elements are kept, but a text without
 * elements gives an empty list.
 */
export function splitList(text: string): string[] {
  const trimmed = javaTrim(text);
  return trimmed === '' ? [] : trimmed.split(/[ \t\n\v\f\r]*,[ \t\n\v\f\r]*/);
}

function invalid(name: string, value: unknown, why: string): ConfigError {
  return new ConfigError(`Invalid value ${value} for configuration ${name}: ${why}`);
}

const integerBits: Record<string, number> = { INT: 32, SHORT: 16, LONG: 64 };
const javaDoublePattern = /^[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?)$/;

function parseNumber(name: string, type: PropertyType, text: string): number {
  const trimmed = javaTrim(text);
  if (type === 'DOUBLE') {
    if (!javaDoublePattern.test(trimmed)) throw invalid(name, text, 'Not a number of type DOUBLE');
    return Number(trimmed.replace(/(?<=[\d.])[fFdD]$/, '').replace(/^[+-]?NaN$/, 'NaN'));
  }
  const bits = integerBits[type] as number;
  // Integers are compared as BigInt: 2^63 and 2^63 - 1 are the same floating-point number, and only the smaller one is valid.
  const value = /^[+-]?\d+$/.test(trimmed) ? BigInt(trimmed.replace(/^\+/, '')) : null;
  if (value === null || BigInt.asIntN(bits, value) !== value) {
    throw invalid(name, text, `Not a number of type ${type}`);
  }
  return Math.max(-longMax, Math.min(longMax, Number(value)));
}

function parseTyped(name: string, property: Property, text: string): PropertyValue {
  switch (property.type) {
    case 'BOOLEAN': {
      const lower = javaTrim(text).toLowerCase();
      if (lower === 'true') return true;
      if (lower === 'false') return false;
      throw invalid(name, text, 'Expected value to be either true or false');
    }
    case 'LIST': {
      const elements = splitList(text);
      // As in Kafka, only the first of equal elements is kept (KIP-1161). A `check` sees all elements.
      return property.check === undefined ? [...new Set(elements)] : elements;
    }
    case 'INT':
    case 'SHORT':
    case 'LONG':
    case 'DOUBLE':
      return parseNumber(name, property.type, text);
    default:
      return javaTrim(text);
  }
}

/** Returns a double as Java prints it: `2.0`, `1.7976931348623157E308`. */
function javaDouble(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e7)) {
    return Number.isInteger(value) ? `${value}.0` : String(value);
  }
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${exponent.replace('+', '')}`;
}

function checkNumber(name: string, property: Property, value: number): void {
  if (property.check !== undefined) return;
  const shown = property.type === 'DOUBLE' ? javaDouble(value) : value;
  if (property.min !== undefined && value < property.min) {
    throw invalid(name, shown, `Value must be at least ${property.min}`);
  }
  if (property.max !== undefined && value > property.max) {
    throw invalid(name, shown, `Value must be no more than ${property.max}`);
  }
}

function checkString(name: string, property: Property, value: string): void {
  const allowed = property.oneOf;
  if (allowed === undefined) return;
  const upper = value.toUpperCase();
  if (
    property.ignoreCase === true
      ? allowed.some((one) => one.toUpperCase() === upper)
      : allowed.includes(value)
  )
    return;
  const how = property.ignoreCase === true ? ' (case insensitive)' : '';
  throw invalid(name, value, `String must be one of${how}: ${allowed.join(', ')}`);
}

function checkList(name: string, property: Property, value: readonly string[]): void {
  if (property.nonEmpty === true && value.length === 0) {
    const valid = property.oneOf === undefined ? 'any non-empty value' : `[${property.oneOf.join(', ')}]`;
    throw new ConfigError(`Configuration '${name}' must not be empty. Valid values include: ${valid}`);
  }
  if (property.check === undefined && value.includes('')) {
    throw new ConfigError(`Configuration '${name}' values must not be empty.`);
  }
  for (const element of value) checkString(name, property, element);
}

/** Checks a parsed value against the row of its key. Throws `ConfigError`. */
export function checkValue(name: string, property: Property, value: PropertyValue): void {
  if (value === null) return;
  if (typeof value === 'number') checkNumber(name, property, value);
  else if (typeof value === 'string') checkString(name, property, value);
  else if (typeof value === 'object') checkList(name, property, value);
  const wrong = property.check?.(value, name) ?? null;
  if (wrong === null) return;
  throw wrong.startsWith('!') ? new ConfigError(wrong.slice(1)) : invalid(name, showList(value), wrong);
}

function showList(value: PropertyValue): unknown {
  return Array.isArray(value) ? `[${value.join(', ')}]` : value;
}

/** Parses and checks `text` as the value of the key `name`. Throws `ConfigError`. */
export function parseValue(name: string, property: Property, text: string): PropertyValue {
  const value = parseTyped(name, property, text);
  checkValue(name, property, value);
  return value;
}

/** Returns a value as DescribeConfigs and the documentation print it. */
export function valueText(property: Pick<Property, 'type'>, value: PropertyValue): string | null {
  if (value === null) return null;
  if (typeof value === 'object') return value.join(',');
  if (property.type === 'LONG' && value === longMax) return longMaxText;
  if (property.type === 'DOUBLE') return javaDouble(value as number);
  return String(value);
}

/** Returns the allowed values in the notation of Kafka's documentation, such as `[0,...,100]`. */
export function validText(property: Property): string {
  if (property.valid !== undefined) return property.valid;
  if (property.oneOf !== undefined) {
    return `${property.ignoreCase === true ? '(case insensitive) ' : ''}[${property.oneOf.join(', ')}]`;
  }
  if (property.min === undefined && property.max === undefined) return '';
  const [min, max] = [property.min, property.max];
  return min === undefined ? `[...,${max}]` : `[${min},...${max === undefined ? '' : `,${max}`}]`;
}

/** Returns Kafka's error message for a dynamic value that a running broker cannot apply. */
export const invalidDynamic = (why: string): string =>
  `Invalid value org.apache.kafka.common.config.ConfigException: ${why} for configuration Invalid dynamic configuration`;

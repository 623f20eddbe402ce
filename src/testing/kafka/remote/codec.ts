/**
 * Encodes and decodes the values that pass between the test's thread and that of its clusters. Plain values are copied.
 * Functions and the cluster's objects stay where they are, and the other end gets a stand-in.
 */
import { WaitTimeoutError } from '../waits.ts';

/** An encoded value: primitives as they are, everything else with a tag before it. */
export type Wire = unknown;

/** How an end of the link handles values that cannot be copied. */
export interface References {
  /** A reference to a value that stays here; null when the value is to be copied. */
  refer(value: object): readonly unknown[] | null;
  /** The value for a reference from the other end. */
  resolve(reference: readonly unknown[]): unknown;
}

type Fields = readonly (readonly [string, Wire])[];

function errorFields(error: Error): Fields {
  const { name, message, stack } = error;
  const own = Object.entries(error).filter(([, value]) =>
    ['string', 'number', 'boolean'].includes(typeof value),
  );
  return [...own, ['name', name], ['message', message], ['stack', stack]];
}

function errorOf(fields: Fields): Error {
  const { name, message, ...rest } = Object.fromEntries(fields) as { name: string; message: string };
  const types: Record<string, new (message: string) => Error> = { TypeError, RangeError, WaitTimeoutError };
  const type = types[name];
  // An error of another class becomes an `Error` with the name of its class.
  return Object.assign(
    type === undefined ? Object.assign(new Error(message), { name }) : new type(message),
    rest,
  );
}

function entriesOf(value: object, references: References): Fields {
  return Object.entries(value).map(([field, inner]) => [field, encode(inner, references)]);
}

export function encode(value: unknown, references: References): Wire {
  // A handler returns a symbol when there is no response; it becomes undefined.
  if (typeof value === 'symbol') return undefined;
  if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return value;
  const reference = references.refer(value);
  if (reference !== null) return ['reference', ...reference];
  const inner = (one: unknown): Wire => encode(one, references);
  // Copy a view to its own size, because sending it would send its whole buffer.
  if (value instanceof Uint8Array) return ['bytes', Uint8Array.from(value)];
  if (Array.isArray(value)) return ['array', value.map(inner)];
  if (value instanceof Map) return ['map', [...value].map(([key, one]) => [inner(key), inner(one)])];
  if (value instanceof Set) return ['set', [...value].map(inner)];
  if (value instanceof Date) return ['date', value.getTime()];
  if (value instanceof Error) return ['error', errorFields(value)];
  return ['object', entriesOf(value, references)];
}

export function decode(wire: Wire, references: References): unknown {
  if (!Array.isArray(wire)) return wire;
  const [tag, content] = wire as [string, never];
  const inner = (one: Wire): unknown => decode(one, references);
  switch (tag) {
    case 'reference':
      return references.resolve(wire.slice(1));
    case 'array':
      return (content as Wire[]).map(inner);
    case 'map':
      return new Map((content as [Wire, Wire][]).map(([key, one]) => [inner(key), inner(one)]));
    case 'set':
      return new Set((content as Wire[]).map(inner));
    case 'date':
      return new Date(content);
    case 'error':
      return errorOf(content);
    case 'object':
      return Object.fromEntries((content as Fields).map(([field, one]) => [field, inner(one)]));
    default:
      return content;
  }
}

/**
 * The language in which messages of Kafka's protocol are declared. A message is a value; its TypeScript types (`Infer`, `Init`)
 * are inferred from it, and its codecs are compiled from it (`codec/`). This file has data and types only.
 *
 * Invariants:
 * - The order of the properties is the order of the fields on the wire.
 * - Objects of a message have the same properties in all versions: a field that a version lacks has its default value.
 * - A caller must give a value for a field (`Init`) only if all versions have the field, and it has no explicit default and no
 *   tag.
 */
import type { Uuid } from '../../base/uuid.ts';
import { uuidZero } from '../../base/uuid.ts';
import { allVersions, noVersions, parseVersions, type VersionRange, type Versions } from './versions.ts';

export type ScalarKind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records';
export type Kind = ScalarKind | 'array' | 'struct';

export interface Options<T> {
  /**
   * The value if the version lacks the field, or if the caller does not give one. Without this option: zero, empty, or a struct
   * of defaults.
   */
  readonly default?: T | null;
  /** The versions in which the field may be null. */
  readonly nullable?: Versions;
  /** The field's number in the section of tagged fields. */
  readonly tag?: number;
  /** The versions in which the field is tagged; by default all versions that have it. */
  readonly tagged?: Versions;
  /**
   * If the version lacks the field, a value other than the default is dropped silently. Without this option encoding throws.
   */
  readonly ignorable?: boolean;
  /** `none`: never in the compact encoding. Only the client id in request headers has this. */
  readonly flexible?: 'none';
}

declare const valueType: unique symbol;
declare const initType: unique symbol;
declare const requiredType: unique symbol;

/** One field. `T`: the type of its value. `Required`: whether `Init` must have it. `I`: the type of its value in `Init`. */
export interface Field<T = unknown, Required extends boolean = boolean, I = T> {
  readonly kind: Kind;
  readonly versions: VersionRange;
  readonly nullable: VersionRange;
  /** The versions in which the field is tagged; `noVersions` if it never is. */
  readonly tagged: VersionRange;
  readonly tag: number;
  readonly default: unknown;
  readonly hasDefault: boolean;
  readonly ignorable: boolean;
  readonly neverCompact: boolean;
  /** Of an array: the type of its elements. */
  readonly element: Field | null;
  /** Of a struct: its fields. */
  readonly fields: Shape | null;
  readonly [valueType]?: T;
  readonly [initType]?: I;
  readonly [requiredType]?: Required;
}

export type Shape = { readonly [name: string]: Field<unknown, boolean, unknown> };

type ValueOf<F> = F extends Field<infer T, boolean, infer _I> ? T : never;
type InitOf<F> = F extends Field<infer _T, boolean, infer I> ? I : never;
type RequiredNames<S extends Shape> = {
  [K in keyof S]: S[K] extends Field<infer _T, infer R, infer _I> ? (true extends R ? K : never) : never;
}[keyof S];

export type InferShape<S extends Shape> = { readonly [K in keyof S]: ValueOf<S[K]> };
export type InitShape<S extends Shape> = { readonly [K in RequiredNames<S>]: InitOf<S[K]> } & {
  readonly [K in Exclude<keyof S, RequiredNames<S>>]?: InitOf<S[K]> | undefined;
};

/** The type of a decoded message: every field is present, whatever the version. */
export type Infer<M> = M extends Message<infer S> ? InferShape<S> : never;
/** The type of a message to encode. A field may be left out, with the exception that the invariants above name. */
export type Init<M> = M extends Message<infer S> ? InitShape<S> : never;
/** The same type with writable fields, for code that builds a message step by step. */
export type Mutable<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer E)[]
    ? Mutable<E>[]
    : T extends object
      ? { -readonly [K in keyof T]: Mutable<T[K]> }
      : T;

type Nullable<T, O> = O extends { readonly nullable: string } ? T | null : T;
type IsRequired<V, O> = V extends '0+'
  ? O extends { readonly default: unknown } | { readonly tag: number }
    ? false
    : true
  : false;
type Make<T, V, O, I = T> = Field<Nullable<T, O>, IsRequired<V, O>, Nullable<I, O>>;
/** The type of the options when none is given. */
type None = {};

interface Scalar<T> {
  <const O extends Options<T> = None>(options?: O): Make<T, '0+', O>;
  <const V extends Versions, const O extends Options<T> = None>(versions: V, options?: O): Make<T, V, O>;
}

const emptyBytes = new Uint8Array(0);

function field(
  kind: Kind,
  zero: unknown,
  first: Versions | Options<unknown> | undefined,
  second: Options<unknown> | undefined,
  inner: { element?: Field; fields?: Shape } = {},
): Field {
  const options = (typeof first === 'string' ? second : first) ?? {};
  const versions = typeof first === 'string' ? parseVersions(first) : allVersions;
  return {
    kind,
    versions,
    nullable: options.nullable === undefined ? noVersions : parseVersions(options.nullable),
    tagged:
      options.tag === undefined
        ? noVersions
        : options.tagged === undefined
          ? versions
          : parseVersions(options.tagged),
    tag: options.tag ?? -1,
    default: options.default === undefined ? zero : options.default,
    hasDefault: options.default !== undefined,
    ignorable: options.ignorable ?? false,
    neverCompact: options.flexible === 'none',
    element: inner.element ?? null,
    fields: inner.fields ?? null,
  };
}

function scalar<T>(kind: ScalarKind, zero: T): Scalar<T> {
  return ((first?: Versions | Options<T>, second?: Options<T>) =>
    field(kind, zero, first, second)) as unknown as Scalar<T>;
}

export const bool: Scalar<boolean> = scalar('bool', false);
export const int8: Scalar<number> = scalar('int8', 0);
export const int16: Scalar<number> = scalar('int16', 0);
export const uint16: Scalar<number> = scalar('uint16', 0);
export const int32: Scalar<number> = scalar('int32', 0);
export const uint32: Scalar<number> = scalar('uint32', 0);
/** A JavaScript number: exact up to ±2^53, rounded beyond. Clients do send larger values, such as Long.MAX_VALUE. */
export const int64: Scalar<number> = scalar('int64', 0);
export const float64: Scalar<number> = scalar('float64', 0);
export const string: Scalar<string> = scalar('string', '');
/** In the text form of `base/uuid.ts` (22 characters); on the wire it has 16 bytes. */
export const uuid: Scalar<Uuid> = scalar('uuid', uuidZero);
/** When decoded, a view of the frame, not a copy. */
export const bytes: Scalar<Uint8Array> = scalar('bytes', emptyBytes);
/** Record batches. When decoded, a view of the frame. When encoded, large ones are not copied either (`codec/writer.ts`). */
export const records: Scalar<Uint8Array> = scalar<Uint8Array>('records', emptyBytes);

type Element = Field<unknown, boolean, unknown> | Shape;
type ElementValue<E> =
  E extends Field<infer T, boolean, infer _I> ? T : E extends Shape ? InferShape<E> : never;
type ElementInit<E> =
  E extends Field<infer _T, boolean, infer I> ? I : E extends Shape ? InitShape<E> : never;

function isField(value: Element): value is Field {
  return typeof value.kind === 'string';
}

function structOf(fields: Shape): Field {
  return field('struct', undefined, undefined, undefined, { fields });
}

/** An array of a field (`array(int32())`) or of structs (`array({ … })`). */
export function array<const E extends Element, const O extends Options<never> = None>(
  of: E,
  options?: O,
): Make<readonly ElementValue<E>[], '0+', O, readonly ElementInit<E>[]>;
export function array<
  const E extends Element,
  const V extends Versions,
  const O extends Options<never> = None,
>(of: E, versions: V, options?: O): Make<readonly ElementValue<E>[], V, O, readonly ElementInit<E>[]>;
export function array(of: Element, first?: Versions | Options<never>, second?: Options<never>): unknown {
  return field('array', [], first, second, { element: isField(of) ? of : structOf(of) });
}

/** A struct. Its default is a struct of the fields' defaults, or null with `default: null`. */
export function struct<const S extends Shape, const O extends Options<never> = None>(
  fields: S,
  options?: O,
): Make<InferShape<S>, '0+', O, InitShape<S>>;
export function struct<
  const S extends Shape,
  const V extends Versions,
  const O extends Options<never> = None,
>(fields: S, versions: V, options?: O): Make<InferShape<S>, V, O, InitShape<S>>;
export function struct(fields: Shape, first?: Versions | Options<never>, second?: Options<never>): unknown {
  return field('struct', undefined, first, second, { fields });
}

export type ListenerKind = 'broker' | 'controller';

export interface MessageHead {
  /** The API key of a request or response, or the type of a record; other messages have none. */
  readonly key?: number;
  readonly versions: Versions;
  /** The flexible versions: they have compact lengths and tagged fields. */
  readonly flexible: Versions;
  /** Whether Kafka calls the last version unstable. A broker offers it only with `unstable.api.versions.enable`. */
  readonly latestVersionUnstable?: boolean;
  /** The kinds of nodes that serve this request in Kafka. */
  readonly listeners?: readonly ListenerKind[];
}

export interface Message<S extends Shape = Shape> {
  readonly name: string;
  /** -1 when the message has no key. */
  readonly key: number;
  readonly versions: VersionRange;
  readonly flexible: VersionRange;
  readonly latestVersionUnstable: boolean;
  readonly listeners: readonly ListenerKind[];
  readonly fields: S;
}

export function message<const S extends Shape>(name: string, head: MessageHead, fields: S): Message<S> {
  return {
    name,
    key: head.key ?? -1,
    versions: parseVersions(head.versions),
    flexible: parseVersions(head.flexible),
    latestVersionUnstable: head.latestVersionUnstable ?? false,
    listeners: head.listeners ?? [],
    fields,
  };
}

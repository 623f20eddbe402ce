/**
 * The language in which wire messages are described. A message is a value; its TypeScript types are inferred from it (`Infer`,
 * `Init`) and its codecs are compiled from it (`codec/`). This file has data and types only.
 *
 * Invariants:
 * - The order of properties is the order on the wire.
 * - A message has one object shape for all its versions: a field that a version lacks has its default.
 * - The caller must give a value for a field (`Init`) only when it is in every version and has no explicit default.
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
  /** The value when a version lacks the field or the caller leaves it out. Without it: zero, empty, or a struct of defaults. */
  readonly default?: T | null;
  /** Versions in which null is a legal value. */
  readonly nullable?: Versions;
  /** Number of the field in the tagged section, */
  readonly tag?: number;
  /** in these versions; by default in all versions of the field. */
  readonly tagged?: Versions;
  /** In versions that lack the field a value other than the default is dropped instead of refused. */
  readonly ignorable?: boolean;
  /** `none`: never in compact form; only for the client id of request headers. */
  readonly flexible?: 'none';
}

declare const valueType: unique symbol;
declare const initType: unique symbol;
declare const requiredType: unique symbol;

/** One field. T: its value; Required: whether `Init` must have it; I: the type in `Init`. */
export interface Field<T = unknown, Required extends boolean = boolean, I = T> {
  readonly kind: Kind;
  readonly versions: VersionRange;
  readonly nullable: VersionRange;
  /** Versions in which the field is tagged, `noVersions` when it never is. */
  readonly tagged: VersionRange;
  readonly tag: number;
  readonly default: unknown;
  readonly hasDefault: boolean;
  readonly ignorable: boolean;
  readonly neverCompact: boolean;
  /** The element type of an array. */
  readonly element: Field | null;
  /** The fields of a struct. */
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

/** A message as decoded: every field is there, whatever the version. */
export type Infer<M> = M extends Message<infer S> ? InferShape<S> : never;
/** The argument for encoding a message: all fields without a default are required. */
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
/** No option given. */
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
/** A number: exact up to ±2^53, rounded beyond (clients send Long.MAX_VALUE and similar values). */
export const int64: Scalar<number> = scalar('int64', 0);
export const float64: Scalar<number> = scalar('float64', 0);
export const string: Scalar<string> = scalar('string', '');
/** The 22-character text form of `base/uuid.ts`; 16 bytes on the wire. */
export const uuid: Scalar<Uuid> = scalar('uuid', uuidZero);
/** A view of the decoded frame, not a copy. */
export const bytes: Scalar<Uint8Array> = scalar('bytes', emptyBytes);
/** Record batches: never copied, neither when decoded nor when encoded. */
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

/** A struct. Its default is a struct of defaults, or null when `default: null` is set. */
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
  /** API key of a request or response, or type of a record; absent for other messages. */
  readonly key?: number;
  readonly versions: Versions;
  /** Versions with compact lengths and tagged fields. */
  readonly flexible: Versions;
  /** The last version is offered only when unstable versions are enabled. */
  readonly latestVersionUnstable?: boolean;
  /** The kinds of nodes that support this request in Kafka. */
  readonly listeners?: readonly ListenerKind[];
}

export interface Message<S extends Shape = Shape> {
  readonly name: string;
  /** -1 when the message has none. */
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

/**
 * The rules that the interpreter and the compiler share: which fields a version has, which of them are tagged, and the
 * defaults.
 */
import type { Field, Message, Shape } from '../schema/fields.ts';
import { inVersions } from '../schema/versions.ts';

export function isFlexible(message: Message, version: number): boolean {
  return inVersions(message.flexible, version);
}

export function isPresent(field: Field, version: number): boolean {
  return inVersions(field.versions, version);
}

/** Whether the field is in the section of tagged fields, not among the regular fields. */
export function isTagged(field: Field, version: number, flexible: boolean): boolean {
  return flexible && isPresent(field, version) && inVersions(field.tagged, version);
}

export function isNullable(field: Field, version: number): boolean {
  return inVersions(field.nullable, version);
}

/** The tagged fields of a version, in the order of their tags, in which they must be written. */
export function taggedFields(shape: Shape, version: number, flexible: boolean): [string, Field][] {
  return Object.entries(shape)
    .filter(([, field]) => isTagged(field, version, flexible))
    .sort(([, a], [, b]) => a.tag - b.tag);
}

/** Whether a caller must give a value for the field (see `Init` in `schema/fields.ts`). */
export function isRequired(field: Field): boolean {
  return !field.hasDefault && field.tag < 0 && field.versions.min === 0 && field.versions.max === 32767;
}

/** A new object with the default value, because the caller may change it. */
export function defaultOf(field: Field): unknown {
  if (field.kind === 'array' && field.default !== null) return [];
  if (field.kind !== 'struct' || field.default === null) return field.default;
  const value: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(field.fields as Shape)) value[name] = defaultOf(inner);
  return value;
}

/** Whether the value equals the field's default. `undefined` counts as the default. */
export function isDefault(field: Field, value: unknown): boolean {
  if (value === undefined) return true;
  if (value === null || field.default === null) return value === field.default;
  switch (field.kind) {
    case 'array':
    case 'bytes':
    case 'records':
      return (value as ArrayLike<unknown>).length === 0;
    case 'struct':
      return Object.entries(field.fields as Shape).every(([name, inner]) =>
        isDefault(inner, (value as Record<string, unknown>)[name]),
      );
    default:
      return value === field.default;
  }
}

/** The smallest encoded size of a field, from which `Reader.checkCount` computes how many elements can follow. */
export function minBytes(field: Field, version: number, flexible: boolean): number {
  const compact = flexible && !field.neverCompact;
  switch (field.kind) {
    case 'bool':
    case 'int8':
      return 1;
    case 'int16':
    case 'uint16':
      return 2;
    case 'int32':
    case 'uint32':
      return 4;
    case 'int64':
    case 'float64':
      return 8;
    case 'uuid':
      return 16;
    case 'string':
      return compact ? 1 : 2;
    case 'bytes':
    case 'records':
    case 'array':
      return compact ? 1 : 4;
    case 'struct':
      return isNullable(field, version) ? 1 : shapeMinBytes(field.fields as Shape, version, flexible);
  }
}

export function shapeMinBytes(shape: Shape, version: number, flexible: boolean): number {
  let sum = flexible ? 1 : 0;
  for (const field of Object.values(shape)) {
    if (isPresent(field, version) && !isTagged(field, version, flexible))
      sum += minBytes(field, version, flexible);
  }
  return sum;
}

/**
 * The codec as an interpreter of the schema. It is slow, but short and easy to compare with Kafka's protocol guide. Tests
 * compare the compiled codecs with it, and its errors name the field that cannot be encoded.
 */
import type { Field, Message, Shape } from '../schema/fields.ts';
import { DecodeError, EncodeError } from './errors.ts';
import {
  defaultOf,
  isDefault,
  isFlexible,
  isNullable,
  isPresent,
  isRequired,
  isTagged,
  minBytes,
  taggedFields,
} from './layout.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

type Value = Record<string, unknown>;

export function interpretDecode(message: Message, version: number, reader: Reader): unknown {
  return readShape(message.fields, version, isFlexible(message, version), reader);
}

function readShape(shape: Shape, version: number, flexible: boolean, reader: Reader): Value {
  const value: Value = {};
  for (const [name, field] of Object.entries(shape)) {
    const inline = isPresent(field, version) && !isTagged(field, version, flexible);
    value[name] = inline ? readField(field, version, flexible, reader) : defaultOf(field);
  }
  if (!flexible) return value;
  const tagged = taggedFields(shape, version, flexible);
  const count = reader.uvarint();
  reader.checkCount(count, 2);
  for (let i = 0; i < count; i++) {
    const tag = reader.uvarint();
    const sizeBytes = reader.uvarint();
    const known = tagged.find(([, field]) => field.tag === tag);
    const begin = reader.position;
    if (known === undefined) reader.skip(sizeBytes);
    else {
      value[known[0]] = readTagged(known[1], version, flexible, reader);
      if (reader.position !== begin + sizeBytes)
        throw new DecodeError(`tagged field ${tag} does not end after its ${sizeBytes} bytes`);
    }
  }
  return value;
}

/** A nullable struct begins with a marker. In the section of tagged fields the marker is a varint: 0 for null, otherwise 1. */
function readTagged(field: Field, version: number, flexible: boolean, reader: Reader): unknown {
  if (field.kind !== 'struct' || !isNullable(field, version))
    return readField(field, version, flexible, reader);
  return reader.uvarint() === 0 ? null : readShape(field.fields as Shape, version, flexible, reader);
}

function readLength(field: Field, flexible: boolean, reader: Reader): number {
  if (flexible && !field.neverCompact) return reader.uvarint() - 1;
  return field.kind === 'string' ? reader.int16() : reader.int32();
}

function readField(field: Field, version: number, flexible: boolean, reader: Reader): unknown {
  switch (field.kind) {
    case 'int64':
      return reader.int64();
    case 'string':
    case 'bytes':
    case 'records':
    case 'array': {
      const length = readLength(field, flexible, reader);
      if (length < 0 && isNullable(field, version)) return null;
      if (field.kind === 'string') return reader.utf8(length);
      if (field.kind !== 'array') return reader.view(length);
      const element = field.element as Field;
      reader.checkCount(length, minBytes(element, version, flexible));
      return Array.from({ length }, () => readField(element, version, flexible, reader));
    }
    case 'struct':
      if (isNullable(field, version) && reader.int8() < 0) return null;
      return readShape(field.fields as Shape, version, flexible, reader);
    default:
      return reader[field.kind]();
  }
}

export function interpretEncode(message: Message, version: number, value: unknown, writer: Writer): void {
  const flexible = isFlexible(message, version);
  writeShape(message.fields, version, flexible, value as Value, writer, message.name);
}

function writeShape(
  shape: Shape,
  version: number,
  flexible: boolean,
  value: Value,
  writer: Writer,
  path: string,
): void {
  for (const [name, field] of Object.entries(shape)) {
    if (!isPresent(field, version)) {
      if (!field.ignorable && !isDefault(field, value[name]))
        throw new EncodeError(`${path}.${name} can't be expressed in version ${version}`);
    } else if (!isTagged(field, version, flexible))
      writeField(field, version, flexible, valueOf(field, value[name]), writer, `${path}.${name}`);
  }
  if (!flexible) return;
  const tagged = taggedFields(shape, version, flexible).filter(
    ([name, field]) => !isDefault(field, value[name]),
  );
  writer.uvarint(tagged.length);
  for (const [name, field] of tagged) {
    const begin = writer.beginTag(field.tag);
    writeTagged(field, version, flexible, value[name], writer, `${path}.${name}`);
    writer.endTag(begin);
  }
}

function writeTagged(
  field: Field,
  version: number,
  flexible: boolean,
  value: unknown,
  writer: Writer,
  path: string,
): void {
  if (field.kind !== 'struct' || !isNullable(field, version)) {
    writeField(field, version, flexible, value, writer, path);
    return;
  }
  writer.uvarint(value === null ? 0 : 1);
  if (value !== null) writeShape(field.fields as Shape, version, flexible, value as Value, writer, path);
}

function valueOf(field: Field, value: unknown): unknown {
  return value === undefined && !isRequired(field) ? defaultOf(field) : value;
}

function writeLength(field: Field, flexible: boolean, length: number, writer: Writer): void {
  if (flexible && !field.neverCompact) writer.uvarint(length + 1);
  else if (field.kind === 'string') writer.int16(length);
  else writer.int32(length);
}

function writeNull(field: Field, version: number, flexible: boolean, writer: Writer, path: string): void {
  if (!isNullable(field, version))
    throw new EncodeError(`${path} is null, which version ${version} doesn't allow`);
  if (field.kind === 'struct') writer.int8(-1);
  else writeLength(field, flexible, -1, writer);
}

function writeField(
  field: Field,
  version: number,
  flexible: boolean,
  value: unknown,
  writer: Writer,
  path: string,
): void {
  if (value === undefined) throw new EncodeError(`${path} is missing`);
  if (value === null) {
    writeNull(field, version, flexible, writer, path);
    return;
  }
  switch (field.kind) {
    case 'array': {
      const array = value as readonly unknown[];
      writeLength(field, flexible, array.length, writer);
      array.forEach((item, i) => {
        writeField(field.element as Field, version, flexible, item, writer, `${path}[${i}]`);
      });
      return;
    }
    case 'struct':
      if (isNullable(field, version)) writer.int8(1);
      writeShape(field.fields as Shape, version, flexible, value as Value, writer, path);
      return;
    case 'bytes':
    case 'records':
      writeLength(field, flexible, (value as Uint8Array).length, writer);
      writer[field.kind === 'bytes' ? 'raw' : 'records'](value as Uint8Array);
      return;
    default:
      writeScalar(field, flexible, value as never, writer, path);
  }
}

function writeScalar(field: Field, flexible: boolean, value: never, writer: Writer, path: string): void {
  try {
    if (field.kind === 'string') writer[flexible && !field.neverCompact ? 'compactString' : 'string'](value);
    else if (field.kind === 'int64') writer.int64(value);
    else writer[field.kind as 'int32'](value);
  } catch (error) {
    throw new EncodeError(`${path}: ${(error as Error).message}`);
  }
}

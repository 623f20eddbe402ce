/**
 * Converts messages of Kafka's protocol to JSON, in the form that Kafka's generated converters have: fields in the order of the
 * schema, bytes in Base64.
 */
import { decodeFrom } from '../../protocol/codec/codec.ts';
import { Reader } from '../../protocol/codec/reader.ts';
import { versionOf } from '../../protocol/records/versioned.ts';
import type { Field, Message, Shape } from '../../protocol/schema/fields.ts';
import { inVersions } from '../../protocol/schema/versions.ts';
import { doubleText } from './java-double.ts';

/** Returns the fields that a message has in `version`. A tagged field is left out when it has its default value. */
export function messageJson(message: Message, version: number, value: unknown): Record<string, unknown> {
  return fieldsOf(message.fields, version, value);
}

/** Decodes a message that follows two bytes with its version or its type, and converts it. */
export function versionedJson(message: Message, version: number, bytes: Uint8Array): Record<string, unknown> {
  return messageJson(message, version, decodeFrom(message, version, new ExactReader(bytes, 2)));
}

/** Reads a 64-bit integer as a bigint when a number cannot represent it exactly. `jsonText` writes a bigint like a number. */
class ExactReader extends Reader {
  override int64(): number {
    const rounded = super.int64();
    if (Number.isSafeInteger(rounded)) return rounded;
    const { buffer, byteOffset } = this.bytes;
    return new DataView(buffer, byteOffset).getBigInt64(this.position - 8) as unknown as number;
  }
}

/**
 * Marks a string that `jsonText` must write as a number, without quotes, because JSON.stringify would round or format it
 * differently.
 */
const literalMark = '\u0001';

/** Returns JSON text. Bigints are written as numbers with all digits, and doubles in Java's form. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'bigint' ? literalMark + one : one,
  );
  return text.replaceAll(/"\\u0001([-+.\dE]+)"/g, '$1');
}

/** Decodes the value of a record in an internal topic: its version, then its fields. */
export function versionedValue(
  message: Message,
  bytes: Uint8Array,
): { version: number; data: Record<string, unknown> } {
  const version = versionOf(bytes);
  return { version, data: versionedJson(message, version, bytes) };
}

function fieldsOf(shape: Shape, version: number, value: unknown): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(shape)) {
    if (!inVersions(field.versions, version)) continue;
    const content = (value as Record<string, unknown>)[name];
    if (inVersions(field.tagged, version) && isDefault(field, content)) continue;
    json[name] = jsonOf(field, version, content);
  }
  return json;
}

function isDefault(field: Field, content: unknown): boolean {
  if (content === null) return field.default === null;
  if (field.kind === 'array') return Array.isArray(content) && content.length === 0 && field.default !== null;
  return content === field.default;
}

function jsonOf(field: Field, version: number, value: unknown): unknown {
  if (value === null) return null;
  if (field.kind === 'bytes' || field.kind === 'records') {
    return Buffer.from(value as Uint8Array).toString('base64');
  }
  if (field.kind === 'float64') return literalMark + doubleText(value as number);
  if (field.kind === 'struct') return fieldsOf(field.fields ?? {}, version, value);
  const { element } = field;
  if (field.kind !== 'array' || element === null) return value;
  return (value as unknown[]).map((one) => jsonOf(element, version, one));
}

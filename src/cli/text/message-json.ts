/** Messages as JSON in the form of Kafka's generated converters: fields in their order, bytes in Base64. */
import { decodeFrom } from '../../protocol/codec/codec.ts';
import { Reader } from '../../protocol/codec/reader.ts';
import { versionOf } from '../../protocol/records/versioned.ts';
import type { Field, Message, Shape } from '../../protocol/schema/fields.ts';
import { inVersions } from '../../protocol/schema/versions.ts';
import { doubleText } from './java-double.ts';

/** The fields of a message in `version`; a tagged field only when it differs from its default. */
export function messageJson(message: Message, version: number, value: unknown): Record<string, unknown> {
  return fieldsOf(message.fields, version, value);
}

/** Decodes the body after the two bytes with its version or type. */
export function versionedJson(message: Message, version: number, bytes: Uint8Array): Record<string, unknown> {
  return messageJson(message, version, decodeFrom(message, version, new ExactReader(bytes, 2)));
}

/** Reads a 64-bit field as bigint when a number would round it; `jsonText` writes it like a number. */
class ExactReader extends Reader {
  override int64(): number {
    const rounded = super.int64();
    if (Number.isSafeInteger(rounded)) return rounded;
    const { buffer, byteOffset } = this.bytes;
    return new DataView(buffer, byteOffset).getBigInt64(this.position - 8) as unknown as number;
  }
}

/** Prefix of digits that JSON.stringify would write in another form. */
const literalMark = '\u0001';

/** JSON with the digits of bigints, and doubles in Java's form. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'bigint' ? literalMark + one : one,
  );
  return text.replaceAll(/"\\u0001([-+.\dE]+)"/g, '$1');
}

/** The value of an internal record: its version, then its fields. */
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

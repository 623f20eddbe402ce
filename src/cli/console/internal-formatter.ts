/**
 * How kafka-console-consumer prints records of `__consumer_offsets`: type and content of the key, version and content of the
 * value, as JSON. Records of other types are passed over; nothing ends a line, as in Kafka's formatters.
 */
import type { ConsumedRecord } from '../../client/fetcher.ts';
import { decode } from '../../protocol/codec/codec.ts';
import {
  GroupMetadataKey,
  GroupMetadataValue,
  LegacyOffsetCommitKey,
  LegacyOffsetCommitValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from '../../protocol/messages/group-records.ts';
import { versionOf } from '../../protocol/records/versioned.ts';
import type { Field, Message, Shape } from '../../protocol/schema/fields.ts';
import { inVersions } from '../../protocol/schema/versions.ts';

interface RecordType {
  readonly key: Message;
  readonly value: Message;
}

/** Record types by the formatter that prints them; a type is the `key` of its messages. */
const typesOf: Readonly<Record<string, readonly RecordType[]>> = {
  Offsets: [
    { key: LegacyOffsetCommitKey, value: LegacyOffsetCommitValue },
    { key: OffsetCommitKey, value: OffsetCommitValue },
  ],
  GroupMetadata: [{ key: GroupMetadataKey, value: GroupMetadataValue }],
};

const bodyAt = 2;
const encoder = new TextEncoder();
const nothing = new Uint8Array(0);

/** Formats one record; null when `name` is no formatter of this kind. */
export function internalFormatter(name: string): ((record: ConsumedRecord) => Uint8Array) | null {
  const types = Object.hasOwn(typesOf, name) ? typesOf[name] : undefined;
  if (types === undefined) return null;
  return ({ key, value }) => {
    if (key === null) return nothing;
    const type = types.find((one) => one.key.key === versionOf(key));
    if (type === undefined) return nothing;
    // All keys are of version 0: the type stands where other records have their version.
    const keyJson = { type: type.key.key, data: dataOf(type.key, 0, key) };
    return encoder.encode(
      JSON.stringify({ key: keyJson, value: value === null ? null : valueOf(type, value) }),
    );
  };
}

function valueOf({ value: message }: RecordType, bytes: Uint8Array): unknown {
  const version = versionOf(bytes);
  return { version, data: dataOf(message, version, bytes) };
}

function dataOf(message: Message, version: number, bytes: Uint8Array): unknown {
  return fieldsOf(message.fields, version, decode(message, version, bytes, bodyAt));
}

/** What the version has; tagged fields only when they say something. */
function fieldsOf(shape: Shape, version: number, value: unknown): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(shape)) {
    if (!inVersions(field.versions, version)) continue;
    const content = (value as Record<string, unknown>)[name];
    if (inVersions(field.tagged, version) && content === field.default) continue;
    json[name] = jsonOf(field, version, content);
  }
  return json;
}

function jsonOf(field: Field, version: number, value: unknown): unknown {
  if (value === null) return null;
  if (field.kind === 'bytes' || field.kind === 'records') {
    return Buffer.from(value as Uint8Array).toString('base64');
  }
  if (field.kind === 'struct') return fieldsOf(field.fields ?? {}, version, value);
  const { element } = field;
  if (field.kind !== 'array' || element === null) return value;
  return (value as unknown[]).map((one) => jsonOf(element, version, one));
}

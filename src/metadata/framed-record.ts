/**
 * Encodes and decodes one metadata record in KRaft's framing, as it is in Kafka's own segments and snapshots: frame version,
 * record type and record version as unsigned varints, then the body. Our metadata log has another format (`records.ts`).
 */
import { decodeFrom, encode } from '../protocol/codec/codec.ts';
import { Reader } from '../protocol/codec/reader.ts';
import { Writer } from '../protocol/codec/writer.ts';
import type { Init, Message } from '../protocol/schema/fields.ts';
import {
  MalformedPayloadError,
  type MetadataRecord,
  type MetadataRecordType,
  recordSchemas,
} from './records.ts';

const frameVersion = 1;

const typeByKey = new Map(
  Object.entries(recordSchemas).map(([type, schema]) => [schema.key, type as MetadataRecordType]),
);

export interface FramedRecord {
  readonly record: MetadataRecord;
  readonly version: number;
}

/** Encodes the record in the newest version of its type. */
export function encodeFramedRecord(record: MetadataRecord): Uint8Array {
  const schema = recordSchemas[record.type];
  const version = schema.versions.max;
  const body = encode(schema, version, record as unknown as Init<Message>);
  const writer = new Writer(body.length + 8);
  for (const part of [frameVersion, schema.key, version]) writer.uvarint(part);
  writer.raw(body);
  return new Uint8Array(writer.finishContiguous());
}

/** Throws `MalformedPayloadError` for an unknown frame version or record type. */
export function decodeFramedRecord(value: Uint8Array): FramedRecord {
  const reader = new Reader(value, 0);
  const frame = reader.uvarint();
  const key = reader.uvarint();
  const version = reader.uvarint();
  const type = typeByKey.get(key);
  if (frame !== frameVersion)
    throw new MalformedPayloadError(
      `Could not deserialize metadata record due to unknown frame version ${frame}(only frame version ${frameVersion} is supported)`,
    );
  if (type === undefined) throw new MalformedPayloadError(`unknown record type ${key}`);
  return { record: { type, ...decodeFrom(recordSchemas[type], version, reader) } as MetadataRecord, version };
}

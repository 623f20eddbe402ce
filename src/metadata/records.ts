/**
 * Metadata records: the union of all types, and the encoding of records as the payload of one log entry. The records of an
 * entry take effect together.
 *
 * A payload begins with the format byte 0. Then for each record: its type, its version and the size of its body (unsigned
 * varints), and the body in the flexible encoding of Kafka's messages. Records are written in the newest version of their type.
 */
import { LaterReleaseError } from '../base/later-release.ts';
import { create, decodeFrom, encodeInto } from '../protocol/codec/codec.ts';
import { Reader } from '../protocol/codec/reader.ts';
import { Writer } from '../protocol/codec/writer.ts';
import type { Infer, Init, Message } from '../protocol/schema/fields.ts';
import * as schemas from './schemas.ts';

const table = {
  RegisterBrokerRecord: schemas.RegisterBrokerRecord,
  UnregisterBrokerRecord: schemas.UnregisterBrokerRecord,
  TopicRecord: schemas.TopicRecord,
  PartitionRecord: schemas.PartitionRecord,
  ConfigRecord: schemas.ConfigRecord,
  PartitionChangeRecord: schemas.PartitionChangeRecord,
  FenceBrokerRecord: schemas.FenceBrokerRecord,
  UnfenceBrokerRecord: schemas.UnfenceBrokerRecord,
  RemoveTopicRecord: schemas.RemoveTopicRecord,
  DelegationTokenRecord: schemas.DelegationTokenRecord,
  UserScramCredentialRecord: schemas.UserScramCredentialRecord,
  FeatureLevelRecord: schemas.FeatureLevelRecord,
  ClientQuotaRecord: schemas.ClientQuotaRecord,
  ProducerIdsRecord: schemas.ProducerIdsRecord,
  BrokerRegistrationChangeRecord: schemas.BrokerRegistrationChangeRecord,
  AccessControlEntryRecord: schemas.AccessControlEntryRecord,
  RemoveAccessControlEntryRecord: schemas.RemoveAccessControlEntryRecord,
  NoOpRecord: schemas.NoOpRecord,
  ZkMigrationStateRecord: schemas.ZkMigrationStateRecord,
  RemoveUserScramCredentialRecord: schemas.RemoveUserScramCredentialRecord,
  BeginTransactionRecord: schemas.BeginTransactionRecord,
  EndTransactionRecord: schemas.EndTransactionRecord,
  AbortTransactionRecord: schemas.AbortTransactionRecord,
  RemoveDelegationTokenRecord: schemas.RemoveDelegationTokenRecord,
  RegisterControllerRecord: schemas.RegisterControllerRecord,
  ClearElrRecord: schemas.ClearElrRecord,
} as const;

type Table = typeof table;
export type MetadataRecordType = keyof Table;
export type RecordOf<T extends MetadataRecordType> = { readonly type: T } & Infer<Table[T]>;
export type MetadataRecord = { [T in MetadataRecordType]: RecordOf<T> }[MetadataRecordType];

/** The schemas of all record types, for tests and tools. */
export const recordSchemas: Readonly<Record<MetadataRecordType, Message>> = table;

const typeByKey = new Map(
  Object.entries(table).map(([name, schema]) => [schema.key, name as MetadataRecordType]),
);

/** Makes a record of the given fields; the other fields get the defaults of the schema. */
export function record<T extends MetadataRecordType>(type: T, init: Init<Table[T]>): RecordOf<T> {
  return { type, ...create(table[type] as Message, init as Init<Message>) } as RecordOf<T>;
}

const payloadFormat = 0;
/**
 * The usual size of a record, that of a partition change. The buffer is reserved accordingly, so that it seldom has to grow.
 */
const recordBytesUsual = 64;

export class MalformedPayloadError extends Error {
  override readonly name = 'MalformedPayloadError';
}

export function encodeRecords(records: readonly MetadataRecord[]): Uint8Array {
  const writer = new Writer(1 + records.length * recordBytesUsual);
  writer.int8(payloadFormat);
  for (const entry of records) {
    const schema = table[entry.type] as Message;
    writer.uvarint(schema.key);
    // Version, size and body have the same layout as a tagged field.
    const begin = writer.beginTag(schema.versions.max);
    encodeInto(schema, schema.versions.max, entry as unknown as Init<Message>, writer);
    writer.endTag(begin);
  }
  // A copy of exactly the right size: the log keeps payloads in memory, and the writer's buffer has unused bytes.
  return new Uint8Array(writer.finishContiguous());
}

/**
 * Decodes a payload. Throws `LaterReleaseError` for an unknown format, type or version: as in Kafka no metadata record may be
 * skipped, because the image would then differ from that of the other nodes. Throws `MalformedPayloadError` for a wrong size of
 * a record.
 */
export function decodeRecords(payload: Uint8Array): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  if (payload[0] !== payloadFormat)
    throw new LaterReleaseError(`A metadata entry has the unknown format ${payload[0]}`);
  const reader = new Reader(payload, 1);
  while (reader.remaining > 0) {
    const key = reader.uvarint();
    const version = reader.uvarint();
    const end = reader.uvarint() + reader.position;
    const type = typeByKey.get(key);
    if (type === undefined) throw new LaterReleaseError(`A metadata record has the unknown type ${key}`);
    const schema = table[type] as Message;
    if (version > schema.versions.max)
      throw new LaterReleaseError(
        `A ${type} in the metadata log has version ${version}, known are versions up to ${schema.versions.max}`,
      );
    if (end > payload.length) throw new MalformedPayloadError(`${type} ends beyond its payload`);
    const fields = decodeFrom(schema, version, reader);
    if (reader.position > end) throw new MalformedPayloadError(`${type} is longer than its size field says`);
    reader.position = end;
    records.push({ type, ...fields } as MetadataRecord);
  }
  return records;
}

/**
 * Metadata records: the union of all types, and the payload of one log entry, which is one atomic batch of them.
 *
 * Payload: format byte 0, then for each record its type and version (unsigned varints), the size of the body (unsigned varint)
 * and the body in the flexible encoding of Kafka's messages. Records are written in the newest version of their type.
 */
import { create, decode, encode } from '../protocol/codec/codec.ts';
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

/** All record types, for tests and tools. */
export const recordSchemas: Readonly<Record<MetadataRecordType, Message>> = table;

const typeByKey = new Map(
  Object.entries(table).map(([name, schema]) => [schema.key, name as MetadataRecordType]),
);

/** A record with the fields given and the defaults of its schema for the rest. */
export function record<T extends MetadataRecordType>(type: T, init: Init<Table[T]>): RecordOf<T> {
  return { type, ...create(table[type] as Message, init as Init<Message>) } as RecordOf<T>;
}

const payloadFormat = 0;

export class MalformedPayloadError extends Error {
  override readonly name = 'MalformedPayloadError';
}

export function encodeRecords(records: readonly MetadataRecord[]): Uint8Array {
  const bodies = records.map((entry) => {
    const schema = table[entry.type] as Message;
    return encode(schema, schema.versions.max, entry as unknown as Init<Message>);
  });
  let sizeBytes = 1;
  records.forEach((entry, i) => {
    const schema = table[entry.type];
    const bodyBytes = (bodies[i] as Uint8Array).length;
    sizeBytes += varintSize(schema.key) + varintSize(schema.versions.max) + varintSize(bodyBytes) + bodyBytes;
  });
  const out = new Uint8Array(sizeBytes);
  out[0] = payloadFormat;
  let at = 1;
  records.forEach((entry, i) => {
    const schema = table[entry.type];
    const body = bodies[i] as Uint8Array;
    at = putVarint(out, at, schema.key);
    at = putVarint(out, at, schema.versions.max);
    at = putVarint(out, at, body.length);
    out.set(body, at);
    at += body.length;
  });
  return out;
}

/** The records of a payload. Throws `MalformedPayloadError` on a type or version this build doesn't know. */
export function decodeRecords(payload: Uint8Array): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  if (payload[0] !== payloadFormat) throw new MalformedPayloadError(`unknown payload format ${payload[0]}`);
  const cursor = { at: 1 };
  while (cursor.at < payload.length) {
    const key = takeVarint(payload, cursor);
    const version = takeVarint(payload, cursor);
    const size = takeVarint(payload, cursor);
    const type = typeByKey.get(key);
    if (type === undefined) throw new MalformedPayloadError(`unknown record type ${key}`);
    const schema = table[type] as Message;
    if (version > schema.versions.max) throw new MalformedPayloadError(`${type} has no version ${version}`);
    const end = cursor.at + size;
    if (end > payload.length) throw new MalformedPayloadError(`${type} ends beyond its payload`);
    records.push({ type, ...decode(schema, version, payload.subarray(cursor.at, end)) } as MetadataRecord);
    cursor.at = end;
  }
  return records;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++;
  return size;
}

function putVarint(out: Uint8Array, at: number, value: number): number {
  let rest = value;
  let to = at;
  while (rest > 127) {
    out[to++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[to++] = rest;
  return to;
}

function takeVarint(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw new MalformedPayloadError('payload ends inside a number');
    value |= (byte & 127) << shift;
    if (byte < 128) return value >>> 0;
  }
  throw new MalformedPayloadError('number is longer than five bytes');
}

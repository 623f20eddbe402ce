/**
 * How kafka-dump-log prints the key and the value of a record: as text, or as JSON when it is a record of an internal topic. A
 * key or value that is null is not printed.
 */
import { jsonText, messageJson, versionedJson, versionedValue } from '../text/message-json.ts';
import * as consumerGroupRecords from '../../protocol/messages/stored/consumer-group-records.ts';
import * as groupRecords from '../../protocol/messages/stored/group-records.ts';
import * as shareGroupRecords from '../../protocol/messages/stored/share-group-records.ts';
import * as shareStateRecords from '../../protocol/messages/stored/share-state-records.ts';
import * as streamsGroupRecords from '../../protocol/messages/stored/streams-group-records.ts';
import * as transactionRecords from '../../protocol/messages/stored/transaction-records.ts';
import type { KafkaRecord } from '../../protocol/records/record.ts';
import { versionOf } from '../../protocol/records/versioned.ts';
import type { Message } from '../../protocol/schema/fields.ts';
import { decodeFramedRecord } from '../../metadata/framed-record.ts';
import { type MetadataRecord, recordSchemas } from '../../metadata/records.ts';
import { recordTypesOf } from '../text/record-types.ts';
import { ToolError } from '../tool.ts';

export interface ParsedRecord {
  readonly key: string | null;
  readonly payload: string | null;
}

export type MessageParser = (record: KafkaRecord) => ParsedRecord;

type Decoder = (bytes: Uint8Array) => string;

const packageOfDecoders = 'org.apache.kafka.tools.api.';
const textOf: Decoder = (bytes) => Buffer.from(bytes).toString('utf8');

/** Kafka's own decoders, by the name of their class. No other Java class can be loaded. */
const decoders: Readonly<Record<string, Decoder>> = {
  StringDecoder: textOf,
  // Java prints the identity of the array instead of its content. The bytes are more useful.
  DefaultDecoder: (bytes) => Buffer.from(bytes).toString('hex'),
  IntegerDecoder: (bytes) => String(viewOf(bytes, 4).getInt32(0)),
  LongDecoder: (bytes) => String(viewOf(bytes, 8).getBigInt64(0)),
};

function viewOf(bytes: Uint8Array, sizeBytes: number): DataView {
  if (bytes.length < sizeBytes)
    throw new ToolError('Exception in thread "main" java.nio.BufferUnderflowException');
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decoderOf(className: string): Decoder {
  const name = className.startsWith(packageOfDecoders)
    ? className.slice(packageOfDecoders.length)
    : className;
  const decoder = Object.hasOwn(decoders, name) ? decoders[name] : undefined;
  if (decoder === undefined) {
    throw new ToolError(
      `Exception in thread "main" java.lang.RuntimeException: Failed to load decoder class\n${className} is a Java class, which this tool can't load. It has ${Object.keys(decoders).join(', ')}.`,
    );
  }
  return decoder;
}

/** Returns a parser that uses the decoders of these names for keys and values. */
export function decodedBy(keyClass: string, valueClass: string): MessageParser {
  const decodeKey = decoderOf(keyClass);
  const decodeValue = decoderOf(valueClass);
  return ({ key, value }) => ({
    key: key === null ? null : decodeKey(key),
    payload: value === null ? null : decodeValue(value),
  });
}

/** Returns a parser for the records of a coordinator's topic. `module` exports the schemas of these records. */
function coordinatorRecords(module: Readonly<Record<string, unknown>>): MessageParser {
  const types = recordTypesOf(module);
  return ({ key, value, offset }) => {
    if (key === null) {
      throw new ToolError(
        `Failed to decode message at offset ${offset} using the specified decoder (message had a missing key)`,
      );
    }
    const type = types.get(versionOf(key));
    if (type === undefined) {
      return {
        key: `Unknown record type ${versionOf(key)} at offset ${offset}, skipping.`,
        payload: null,
      };
    }
    try {
      return {
        key: jsonText({ type: String(type.key.key), data: versionedJson(type.key, 0, key) }),
        payload: value === null ? '<DELETE>' : valueText(type.value, value),
      };
    } catch (error) {
      const why = `Could not read record with version ${versionOf(key)} from key's buffer due to: ${(error as Error).message}.`;
      return { key: `Error at offset ${offset}, skipping. ${why}`, payload: null };
    }
  };
}

function valueText(message: Message, value: Uint8Array): string {
  const { version, data } = versionedValue(message, value);
  if (message === groupRecords.GroupMetadataValue) readMembers(data);
  return jsonText({ version: String(version), data });
}

/**
 * What clients have stored in the record about a member of a classic consumer group, as bytes. Each field contains one of these
 * messages.
 */
const memberContents: Readonly<Record<string, Message>> = {
  subscription: groupRecords.ConsumerProtocolSubscription,
  assignment: groupRecords.ConsumerProtocolAssignment,
};

/**
 * Replaces these bytes by the fields of the messages. In groups of other types, such as those of Connect, the bytes have
 * another format and are left as they are.
 */
function readMembers(group: Record<string, unknown>): void {
  if (group.protocolType !== 'consumer') return;
  for (const member of group.members as Record<string, unknown>[]) {
    for (const [name, message] of Object.entries(memberContents)) {
      const bytes = Buffer.from(member[name] as string, 'base64');
      // A later version of the message begins with the fields of the newest version that is known here.
      const version = Math.min(versionOf(bytes), message.versions.max);
      if (version >= 0) member[name] = versionedJson(message, version, bytes);
    }
  }
}

export const offsetsRecords: MessageParser = coordinatorRecords({
  ...groupRecords,
  ...consumerGroupRecords,
  ...shareGroupRecords,
  ...streamsGroupRecords,
});
export const transactionLogRecords: MessageParser = coordinatorRecords(transactionRecords);
export const shareGroupStateRecords: MessageParser = coordinatorRecords(shareStateRecords);

/** Returns the name of a record type as Kafka spells it in its enumeration: `TOPIC_RECORD` for `TopicRecord`. */
function typeName(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}

/** Returns a metadata record as JSON. `version` is the version of its type. */
export function metadataText(record: MetadataRecord, version: number): string {
  const data = messageJson(recordSchemas[record.type], version, record);
  return jsonText({ type: typeName(record.type), version, data });
}

/** Parses records of Kafka's metadata log, which have no key. */
export const metadataRecords: MessageParser = ({ value, offset }) => {
  try {
    const { record, version } = decodeFramedRecord(value ?? new Uint8Array(0));
    return { key: null, payload: metadataText(record, version) };
  } catch (error) {
    return { key: null, payload: `Error at ${offset}, skipping. ${(error as Error).message}` };
  }
};

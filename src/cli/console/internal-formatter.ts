/**
 * Formatters of kafka-console-consumer for records of internal topics. They print as JSON the type and content of the key and
 * the version and content of the value. Records of other types are skipped. As in Kafka's formatters, no newline follows a
 * record.
 */
import type { ConsumedRecord } from '../../client/fetcher.ts';
import {
  GroupMetadataKey,
  GroupMetadataValue,
  LegacyOffsetCommitKey,
  LegacyOffsetCommitValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from '../../protocol/messages/stored/group-records.ts';
import * as shareGroupRecords from '../../protocol/messages/stored/share-group-records.ts';
import * as shareStateRecords from '../../protocol/messages/stored/share-state-records.ts';
import * as transactionRecords from '../../protocol/messages/stored/transaction-records.ts';
import { versionOf } from '../../protocol/records/versioned.ts';
import { jsonText, versionedJson, versionedValue } from '../text/message-json.ts';
import { type RecordType, recordTypesOf } from '../text/record-types.ts';

/** The record types that each formatter prints, by its name. The number of a record type is the `key` of its two messages. */
const typesOf: Readonly<Record<string, readonly RecordType[]>> = {
  Offsets: [
    { key: LegacyOffsetCommitKey, value: LegacyOffsetCommitValue },
    { key: OffsetCommitKey, value: OffsetCommitValue },
  ],
  GroupMetadata: [{ key: GroupMetadataKey, value: GroupMetadataValue }],
  TransactionLog: [...recordTypesOf(transactionRecords).values()],
  ShareGroup: [...recordTypesOf(shareGroupRecords).values()],
  ShareGroupState: [...recordTypesOf(shareStateRecords).values()],
};

const encoder = new TextEncoder();
const nothing = new Uint8Array(0);

/** Returns the function that formats a record; null when there is no such formatter. */
export function internalFormatter(name: string): ((record: ConsumedRecord) => Uint8Array) | null {
  const types = Object.hasOwn(typesOf, name) ? typesOf[name] : undefined;
  if (types === undefined) return null;
  return ({ key, value }) => {
    if (key === null) return nothing;
    const type = types.find((one) => one.key.key === versionOf(key));
    if (type === undefined) return nothing;
    // In a key the two bytes that elsewhere hold the version hold the type of the record. The version of all keys is 0.
    const keyJson = { type: type.key.key, data: versionedJson(type.key, 0, key) };
    return encoder.encode(
      jsonText({ key: keyJson, value: value === null ? null : versionedValue(type.value, value) }),
    );
  };
}

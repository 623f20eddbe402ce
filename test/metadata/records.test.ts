import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LaterReleaseError } from '../../src/base/later-release.ts';
import type { MetadataRecord, MetadataRecordType } from '../../src/metadata/records.ts';
import { decodeRecords, encodeRecords, record, recordSchemas } from '../../src/metadata/records.ts';
import type { Field, Message, Shape } from '../../src/protocol/schema/fields.ts';
import { kafkaDefinitions, notCompared, ownTagsFrom } from '../kafka-definitions.ts';

const definitions = kafkaDefinitions();

interface JsonField {
  name: string;
  type: string;
  versions: string;
  nullableVersions?: string;
  tag?: number;
  fields?: JsonField[];
}

function kafkaMessages(
  folder: string,
): { apiKey: number; name: string; validVersions: string; fields: JsonField[] }[] {
  const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  return texts.map((text) => JSON.parse(text.replace(/^\s*\/\/.*$/gm, '')));
}

function range(text: string): { min: number; max: number } {
  const [min, max] = text.split('-');
  return text.endsWith('+')
    ? { min: Number.parseInt(text, 10), max: 32767 }
    : { min: Number(min), max: Number(max ?? min) };
}

function sameFields(fields: JsonField[], shape: Shape, path: string): void {
  const names = fields.map((f) => f.name.charAt(0).toLowerCase() + f.name.slice(1));
  const shared = Object.entries(shape).filter(([, field]) => (field as Field).tag < ownTagsFrom);
  expect(
    shared.map(([name]) => name),
    path,
  ).toEqual(names);
  fields.forEach((field, i) => {
    const ours = shape[names[i] as string] as Field;
    const where = `${path}.${field.name}`;
    expect(ours.versions, where).toEqual(range(field.versions));
    expect(ours.nullable, where).toEqual(
      field.nullableVersions === undefined ? { min: 0, max: -1 } : range(field.nullableVersions),
    );
    expect(ours.tag, where).toBe(field.tag ?? -1);
    expect(ours.kind, where).toBe(field.type.startsWith('[]') ? 'array' : field.type);
    if (field.fields !== undefined) sameFields(field.fields, ours.element?.fields as Shape, where);
  });
}

describe('metadata records', () => {
  if (definitions === null) test.skip(notCompared, () => {});
  test.runIf(definitions !== null)("schemas are Kafka's, field by field", () => {
    const messages = kafkaMessages(join(definitions ?? '', 'metadata'));
    for (const json of messages) {
      const ours = recordSchemas[json.name as MetadataRecordType] as Message | undefined;
      expect(ours, json.name).toBeDefined();
      expect(ours?.key, json.name).toBe(json.apiKey);
      expect(ours?.versions, json.name).toEqual(range(json.validVersions));
      sameFields(json.fields, (ours as Message).fields, json.name);
    }
    expect(messages.length).toBe(Object.keys(recordSchemas).length);
  });

  test('encoded records are decoded to the same records', () => {
    const records: MetadataRecord[] = [
      record('TopicRecord', { name: 'a', topicId: 'AAAAAAAAAAAAAAAAAAAAew' }),
      record('PartitionRecord', {
        topicId: 'AAAAAAAAAAAAAAAAAAAAew',
        partitionId: 0,
        replicas: [1, 2],
        isr: [1],
        removingReplicas: [],
        addingReplicas: [],
        leader: 1,
        leaderEpoch: 0,
        partitionEpoch: 0,
        directories: [],
        eligibleLeaderReplicas: [2],
      }),
      record('PartitionChangeRecord', { topicId: 'AAAAAAAAAAAAAAAAAAAAew', partitionId: 0, isr: [] }),
      record('NoOpRecord', {}),
      record('ConfigRecord', { resourceType: 2, resourceName: 'a', name: 'k', value: null }),
    ];
    expect(decodeRecords(encodeRecords(records))).toEqual(records);
    expect(decodeRecords(encodeRecords([]))).toEqual([]);
  });

  test('a truncated payload is refused', () => {
    const bytes = encodeRecords([record('TopicRecord', { name: 'abc', topicId: 'AAAAAAAAAAAAAAAAAAAAew' })]);
    for (let size = 2; size < bytes.length; size++) {
      expect(() => decodeRecords(bytes.subarray(0, size)), String(size)).toThrow();
    }
  });

  test('what a later release has written is refused, because a skipped record would make images differ', () => {
    const bytes = encodeRecords([record('TopicRecord', { name: 'abc', topicId: 'AAAAAAAAAAAAAAAAAAAAew' })]);
    const replaced = (at: number, value: number): Uint8Array =>
      bytes.map((byte, i) => (i === at ? value : byte));
    const decoding = (payload: Uint8Array) => () => decodeRecords(payload);
    expect(decoding(replaced(0, 9))).toThrow(/unknown format 9\. A later release/);
    expect(decoding(replaced(1, 99))).toThrow(/unknown type 99\. A later release/);
    expect(decoding(replaced(2, 7))).toThrow(/A TopicRecord .* has version 7, known are versions up to 0/);
    expect(decoding(replaced(1, 99))).toThrow(LaterReleaseError);
  });

  test('fields that a later release has added are skipped', () => {
    const topic = record('TopicRecord', { name: 'abc', topicId: 'AAAAAAAAAAAAAAAAAAAAew' });
    const bytes = encodeRecords([topic]);
    // A tagged field: the number of fields, then tag, size and value. The size of the record grows with it.
    const longer = Uint8Array.from([...bytes.subarray(0, -1), 1, 100, 2, 8, 9]);
    longer[3] = (bytes[3] as number) + 4;
    expect(decodeRecords(longer)).toEqual([topic]);
  });
});

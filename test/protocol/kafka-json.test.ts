/**
 * Compares every schema with Kafka's own message definitions, field by field, where these are available
 * (`../kafka-definitions.ts`).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { uuidZero } from '../../src/base/uuid.ts';
import type { Field, Message, Shape } from '../../src/protocol/schema/fields.ts';
import {
  noVersions,
  parseVersions,
  type VersionRange,
  type Versions,
} from '../../src/protocol/schema/versions.ts';
import { kafkaDefinitions, notCompared, ownTagsFrom } from '../kafka-definitions.ts';
import { allMessages } from './all-messages.ts';

const definitions = kafkaDefinitions();

interface JsonField {
  name: string;
  type: string;
  versions?: Versions;
  taggedVersions?: Versions;
  tag?: number;
  nullableVersions?: Versions;
  default?: string | boolean | number | null;
  ignorable?: boolean;
  fields?: JsonField[];
}
interface JsonMessage {
  name: string;
  type: string;
  apiKey?: number;
  validVersions: Versions;
  flexibleVersions: Versions;
  latestVersionUnstable?: boolean;
  listeners?: string[];
  fields: JsonField[];
  commonStructs?: { name: string; fields: JsonField[] }[];
}

function readDefinitions(definitions: string): Map<string, JsonMessage> {
  const found = new Map<string, JsonMessage>();
  for (const folder of readdirSync(definitions)) {
    for (const file of readdirSync(join(definitions, folder))) {
      const text = readFileSync(join(definitions, folder, file), 'utf8').replace(/^\s*\/\/.*$/gm, '');
      const json = JSON.parse(text) as JsonMessage;
      found.set(json.name, json);
    }
  }
  return found;
}

function intersect(a: VersionRange, b: VersionRange): VersionRange {
  const range = { min: Math.max(a.min, b.min), max: Math.min(a.max, b.max) };
  return range.min > range.max ? noVersions : range;
}

interface Row {
  path: string;
  type: string;
  versions: VersionRange;
  nullable: VersionRange;
  tagged: VersionRange;
  tag: number;
  default: unknown;
  ignorable: boolean;
}

function jsonDefault(field: JsonField): unknown {
  const text = field.default === undefined || field.default === null ? '' : String(field.default);
  if (text === 'null') return null;
  if (field.type.startsWith('[]')) return '[]';
  switch (field.type) {
    case 'string':
      return text;
    case 'bool':
      return text.toLowerCase() === 'true';
    case 'uuid':
      return uuidZero;
    case 'bytes':
    case 'records':
      return 'empty';
    default:
      return /^[A-Z]/.test(field.type) ? 'struct' : Number(text === '' ? 0 : text);
  }
}

function jsonRows(json: JsonMessage): Row[] {
  const rows: Row[] = [];
  const structs = new Map((json.commonStructs ?? []).map((struct) => [struct.name, struct.fields]));
  const walk = (fields: JsonField[], within: VersionRange, path: string): void => {
    for (const field of fields) {
      const versions = intersect(parseVersions(field.versions ?? field.taggedVersions ?? 'none'), within);
      if (versions.max < 0) continue;
      const base = field.type.replace('[]', '');
      const isStruct = /^[A-Z]/.test(base);
      const name = field.name.charAt(0).toLowerCase() + field.name.slice(1);
      rows.push({
        path: `${path}.${name}`,
        type: field.type.replace(base, isStruct ? 'struct' : base),
        versions,
        nullable: intersect(parseVersions(field.nullableVersions ?? 'none'), versions),
        tagged: intersect(parseVersions(field.taggedVersions ?? 'none'), versions),
        tag: field.tag ?? -1,
        default: jsonDefault(field),
        ignorable: field.ignorable ?? false,
      });
      if (isStruct) walk(field.fields ?? structs.get(base) ?? [], versions, `${path}.${name}`);
    }
  };
  walk(json.fields, parseVersions(json.validVersions), json.name);
  return rows;
}

function schemaDefault(field: Field): unknown {
  if (field.default === null) return null;
  if (field.kind === 'array') return '[]';
  if (field.kind === 'struct') return 'struct';
  return field.kind === 'bytes' || field.kind === 'records' ? 'empty' : field.default;
}

function schemaRows(message: Message, versions: VersionRange): Row[] {
  const rows: Row[] = [];
  const walk = (shape: Shape, within: VersionRange, path: string): void => {
    for (const [name, field] of Object.entries(shape)) {
      const versions = intersect(field.versions, within);
      if (versions.max < 0 || field.tag >= ownTagsFrom) continue;
      const element = field.element;
      rows.push({
        path: `${path}.${name}`,
        type: element === null ? field.kind : `[]${element.kind}`,
        versions,
        nullable: intersect(field.nullable, versions),
        tagged: intersect(field.tagged, versions),
        tag: field.tag,
        default: schemaDefault(field),
        ignorable: field.ignorable,
      });
      const fields = field.fields ?? element?.fields;
      if (fields) walk(fields, versions, `${path}.${name}`);
    }
  };
  walk(message.fields, versions, message.name);
  return rows;
}

/** Messages that have one version more here than in Kafka 4.3's definitions: a version of Kafka 4.4. */
const withVersionOf44: ReadonlySet<string> = new Set(
  ['ApiVersions', 'TxnOffsetCommit', 'DeleteGroups'].flatMap((name) => [`${name}Request`, `${name}Response`]),
);

function compareAll(json: Map<string, JsonMessage>): void {
  test.each(allMessages.map((message) => [message.name, message] as const))('%s', (name, message) => {
    const definition = json.get(name);
    if (definition === undefined) throw new Error(`Kafka has no message ${name}`);
    const isAhead = withVersionOf44.has(name);
    const { min, max } = message.versions;
    const versions = isAhead ? { min, max: max - 1 } : message.versions;
    expect(versions).toEqual(parseVersions(definition.validVersions));
    expect(intersect(message.flexible, versions)).toEqual(
      intersect(parseVersions(definition.flexibleVersions), versions),
    );
    expect(message.key).toBe(definition.apiKey ?? -1);
    if (isAhead) expect(message.latestVersionUnstable).toBe(name.endsWith('Request'));
    else expect(message.latestVersionUnstable).toBe(definition.latestVersionUnstable ?? false);
    expect(message.listeners).toEqual(definition.listeners ?? []);
    expect(schemaRows(message, versions)).toEqual(jsonRows(definition));
  });
}

describe("schemas agree with Kafka's definitions", () => {
  if (definitions === null) test.skip(notCompared, () => {});
  else compareAll(readDefinitions(definitions));
});

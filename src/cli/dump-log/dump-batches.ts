/** Prints segments (`.log`) and snapshots of the metadata log (`.checkpoint`) as kafka-dump-log does. */
import { basename } from 'node:path';
import { messageJson } from '../text/message-json.ts';
import { decode, DecodeError } from '../../protocol/codec/codec.ts';
import {
  ControlRecordTypeSchema,
  EndTxnMarker,
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from '../../protocol/messages/stored/control-records.ts';
import { type BatchHeader, checkCrc, sequencePlus } from '../../protocol/records/batch.ts';
import { decodeRecords, type KafkaRecord } from '../../protocol/records/record.ts';
import { readInt16 } from '../../protocol/records/integers.ts';
import type { Message } from '../../protocol/schema/fields.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { LogFile } from './log-file.ts';
import type { MessageParser } from './message-parsers.ts';
import type { Mismatches } from './mismatches.ts';

export interface DumpSettings {
  readonly isDeep: boolean;
  readonly printsContent: boolean;
  readonly skipsMetadata: boolean;
  /** How many bytes of the file to read. Java's `Integer.MAX_VALUE` stands for the whole file. */
  readonly maxBytes: number;
  readonly parser: MessageParser;
}

export const everyByte = 0x7fff_ffff;

/**
 * Prints the batches of a file, and their records if `isDeep` is set. In that case it also adds gaps between the offsets of
 * records to `gaps`, which are printed at the end.
 */
export function dumpLog(path: string, settings: DumpSettings, gaps: Mismatches, io: CliIo): void {
  printStart(path, io);
  const file = new LogFile(path);
  try {
    let validBytes = 0;
    let lastOffset = -1;
    for (const { header } of file.batches(0, settings.maxBytes)) {
      io.stdout(`${batchLine(header, validBytes)}\n`);
      if (settings.isDeep) {
        for (const record of recordsOf(header, path, validBytes)) {
          if (record.offset !== lastOffset + 1) gaps.add(path, lastOffset, record.offset);
          lastOffset = record.offset;
          printRecord(header, record, settings, io);
        }
      }
      validBytes += header.sizeBytes;
    }
    const trailingBytes = file.sizeBytes - validBytes;
    if (trailingBytes > 0 && settings.maxBytes === everyByte) {
      io.stdout(`Found ${trailingBytes} invalid bytes at the end of ${basename(path)}\n`);
    }
  } finally {
    file.close();
  }
}

function recordsOf(header: BatchHeader, path: string, position: number): KafkaRecord[] {
  try {
    return decodeRecords(header, everyByte);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new ToolError(
      `${path}: the records of the batch at position ${position} can't be read: ${error.message}`,
    );
  }
}

function printStart(path: string, io: CliIo): void {
  const name = basename(path);
  if (name.endsWith('.log')) {
    io.stdout(`Log starting offset: ${baseOffsetIn(name)}\n`);
  } else if (name === 'bootstrap.checkpoint') {
    io.stdout('KRaft bootstrap snapshot\n');
  } else {
    const [offset, epoch] = name.split(/[-.]/);
    io.stdout(`Snapshot end offset: ${Number(offset)}, epoch: ${Number(epoch)}\n`);
  }
}

function batchLine(header: BatchHeader, position: number): string {
  const horizon = header.hasDeleteHorizon ? `OptionalLong[${header.baseTimestamp}]` : 'OptionalLong.empty';
  return (
    `baseOffset: ${header.baseOffset} lastOffset: ${header.lastOffset} count: ${header.recordsCount}` +
    ` baseSequence: ${header.baseSequence} lastSequence: ${header.lastSequence}` +
    ` producerId: ${header.producerId} producerEpoch: ${header.producerEpoch}` +
    ` partitionLeaderEpoch: ${header.partitionLeaderEpoch} isTransactional: ${header.isTransactional}` +
    ` isControl: ${header.isControl} deleteHorizonMs: ${horizon}` +
    ` position: ${position} ${header.timestampType}: ${header.maxTimestamp} size: ${header.sizeBytes}` +
    ` magic: ${header.magic} compresscodec: ${header.compression} crc: ${header.crc}` +
    ` isvalid: ${checkCrc(header.bytes, header.at, header)}`
  );
}

/**
 * Prints a record. Its metadata comes first and alone, because reading the content may fail; Kafka's tool then has printed the
 * metadata too.
 */
function printRecord(header: BatchHeader, record: KafkaRecord, settings: DumpSettings, io: CliIo): void {
  const { skipsMetadata, printsContent, parser } = settings;
  if (!skipsMetadata) io.stdout(metadataOf(header, record));
  if (printsContent && !header.isControl) {
    const { key, payload } = parser(record);
    const parts = [key === null ? [] : `key: ${key}`, payload === null ? [] : `payload: ${payload}`].flat();
    if (parts.length > 0) io.stdout(`${skipsMetadata ? '|' : ''} ${parts.join(' ')}`);
  }
  io.stdout('\n');
}

function metadataOf(header: BatchHeader, record: KafkaRecord): string {
  const { offset, timestamp, key, value, headers } = record;
  const sequence =
    header.baseSequence < 0 ? -1 : sequencePlus(header.baseSequence, offset - header.baseOffset);
  return (
    `| offset: ${offset} ${header.timestampType}: ${timestamp}` +
    ` keySize: ${key?.length ?? -1} valueSize: ${value?.length ?? -1}` +
    ` sequence: ${sequence} headerKeys: [${headers.map((one) => one.key).join(',')}]` +
    (header.isControl ? controlText(record) : '')
  );
}

interface ControlType {
  readonly text: string;
  readonly message: Message;
}

/** For each type of control record in the metadata log: the text to print before its content, and its schema. */
const controlTypes: ReadonlyMap<number, ControlType> = new Map([
  [2, { text: 'LeaderChange:', message: LeaderChangeMessage }],
  [3, { text: 'SnapshotHeader', message: SnapshotHeaderRecord }],
  [4, { text: 'SnapshotFooter', message: SnapshotFooterRecord }],
  [5, { text: 'KRaftVersion', message: KRaftVersionRecord }],
  [6, { text: 'KRaftVoters', message: VotersRecord }],
]);

function controlText({ key, value }: KafkaRecord): string {
  if (key === null || value === null) return '';
  const { type } = decode(ControlRecordTypeSchema, 0, key, 2);
  if (type === 0 || type === 1) {
    const { coordinatorEpoch } = decode(EndTxnMarker, 0, value, 2);
    return ` endTxnMarker: ${type === 0 ? 'ABORT' : 'COMMIT'} coordinatorEpoch: ${coordinatorEpoch}`;
  }
  const known = controlTypes.get(type);
  if (known === undefined) return ` controlType: UNKNOWN(${type})`;
  // The first field of these messages is their version.
  const version = readInt16(value, 0);
  const content = messageJson(known.message, version, decode(known.message, version, value, 0));
  return ` ${known.text} ${JSON.stringify(content)}`;
}

/** Returns the base offset in the name of a segment. Throws for another file as Kafka's tool does. */
function baseOffsetIn(name: string): number {
  const text = name.split('.')[0] as string;
  if (/^\d+$/.test(text)) return Number(text);
  throw new ToolError(
    `Exception in thread "main" java.lang.NumberFormatException: For input string: "${text}"`,
  );
}

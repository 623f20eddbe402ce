/**
 * Prints the metadata log of one of our nodes, and its snapshots, as kafka-dump-log prints those of Kafka. An entry of our log
 * is printed as a batch.
 */
import { existsSync, statSync } from 'node:fs';
import { LaterReleaseError } from '../../base/later-release.ts';
import { decodeRecords, type MetadataRecord, recordSchemas } from '../../metadata/records.ts';
import { snapshotPayloads } from '../../metadata/snapshot.ts';
import type { Entry } from '../../raft/types.ts';
import { ownMetadataDirectory, readOwnLog, readOwnSnapshot } from '../metadata-log/own-log.ts';
import type { CliIo } from '../tool.ts';
import { metadataText } from './message-parsers.ts';

/**
 * Prints `path` when it is a metadata directory or a snapshot of ours; otherwise returns false. With `printsRecords` the
 * content of records is printed too.
 */
export async function dumpOwnMetadata(path: string, printsRecords: boolean, io: CliIo): Promise<boolean> {
  if (!existsSync(path)) return false;
  if (!statSync(path).isDirectory()) {
    const snapshot = path.endsWith('.checkpoint') ? readOwnSnapshot(path) : null;
    if (snapshot !== null) dumpSnapshot(snapshot, printsRecords, io);
    return snapshot !== null;
  }
  const directory = ownMetadataDirectory(path);
  if (directory === null) return false;
  const { snapshot, entries } = await readOwnLog(directory);
  if (snapshot !== null) dumpSnapshot(snapshot, printsRecords, io);
  io.stdout(`Log starting offset: ${entries[0]?.offset ?? snapshot?.meta.endOffset ?? 0}\n`);
  for (const entry of entries) dumpEntry(entry, printsRecords, io);
  return true;
}

function dumpSnapshot(
  { meta, bytes }: NonNullable<ReturnType<typeof readOwnSnapshot>>,
  printsRecords: boolean,
  io: CliIo,
): void {
  io.stdout(`Snapshot end offset: ${meta.endOffset}, epoch: ${meta.epoch}\n`);
  for (const payload of snapshotPayloads(bytes)) {
    const records = readable(payload, meta.endOffset, io);
    io.stdout(`count: ${records?.length ?? '?'} size: ${payload.length}\n`);
    if (printsRecords && records !== null) printRecords(records, '|', io);
  }
}

function dumpEntry(entry: Entry, printsRecords: boolean, io: CliIo): void {
  const { offset, epoch, kind, payload, appendedMs } = entry;
  const records = kind === 'data' && payload.length > 0 ? readable(payload, offset, io) : null;
  const count = records === null ? '' : ` count: ${records.length}`;
  io.stdout(
    `baseOffset: ${offset} lastOffset: ${offset}${count} partitionLeaderEpoch: ${epoch} kind: ${kind} CreateTime: ${appendedMs} size: ${payload.length}\n`,
  );
  if (printsRecords && records !== null)
    printRecords(records, `| offset: ${offset} CreateTime: ${appendedMs}`, io);
}

/**
 * The records of a payload. When a later release has written one of them, prints a line about it, as Kafka does, and returns
 * null.
 */
function readable(payload: Uint8Array, offset: number, io: CliIo): MetadataRecord[] | null {
  try {
    return decodeRecords(payload);
  } catch (error) {
    if (!(error instanceof LaterReleaseError)) throw error;
    io.stdout(`Error at ${offset}, skipping. ${error.what}\n`);
    return null;
  }
}

function printRecords(records: readonly MetadataRecord[], start: string, io: CliIo): void {
  for (const record of records) {
    io.stdout(`${start} payload: ${metadataText(record, recordSchemas[record.type].versions.max)}\n`);
  }
}

/**
 * Prints the metadata log of one of our nodes, and its snapshots, as kafka-dump-log prints those of Kafka. An entry of our log
 * is printed as a batch.
 */
import { existsSync, statSync } from 'node:fs';
import { decodeRecords, recordSchemas } from '../../metadata/records.ts';
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
    const records = decodeRecords(payload);
    io.stdout(`count: ${records.length} size: ${payload.length}\n`);
    if (printsRecords) printRecords(payload, '|', io);
  }
}

function dumpEntry(entry: Entry, printsRecords: boolean, io: CliIo): void {
  const { offset, epoch, kind, payload, appendedMs } = entry;
  const isData = kind === 'data' && payload.length > 0;
  const count = isData ? ` count: ${decodeRecords(payload).length}` : '';
  io.stdout(
    `baseOffset: ${offset} lastOffset: ${offset}${count} partitionLeaderEpoch: ${epoch} kind: ${kind} CreateTime: ${appendedMs} size: ${payload.length}\n`,
  );
  if (isData && printsRecords) printRecords(payload, `| offset: ${offset} CreateTime: ${appendedMs}`, io);
}

function printRecords(payload: Uint8Array, start: string, io: CliIo): void {
  for (const record of decodeRecords(payload)) {
    io.stdout(`${start} payload: ${metadataText(record, recordSchemas[record.type].versions.max)}\n`);
  }
}

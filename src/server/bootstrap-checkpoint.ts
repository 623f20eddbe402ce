/**
 * The two files in a formatted directory that define a new cluster. `kafka-storage format` writes them. A node reads them at
 * each start, but uses their content only while the metadata log has none.
 *
 * `bootstrap.checkpoint` has the first metadata records (feature levels, SCRAM credentials). The first snapshot of the metadata
 * topic has the voters of a dynamic quorum. Both are in Kafka's format of snapshots: record batches between a header and a
 * footer record.
 */
import type { FileSystem } from '../base/file-system.ts';
import { replaceFile } from '../base/file-system.ts';
import { nodeId } from '../base/ids.ts';
import { decodeFramedRecord, encodeFramedRecord } from '../metadata/framed-record.ts';
import { MalformedPayloadError, type MetadataRecord } from '../metadata/records.ts';
import { decode, encode } from '../protocol/codec/codec.ts';
import {
  KRaftVersionRecord,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from '../protocol/messages/stored/control-records.ts';
import { batches, checkCrc } from '../protocol/records/batch.ts';
import { buildBatch, type NewRecord } from '../protocol/records/builder.ts';
import { decodeRecords, type KafkaRecord } from '../protocol/records/record.ts';
import type { Init, Message } from '../protocol/schema/fields.ts';
import type { Voter } from '../raft/types.ts';

export const bootstrapFileName = 'bootstrap.checkpoint';
export const votersFilePath = '__cluster_metadata-0/00000000000000000000-0000000000.checkpoint';

/** Types of control records in KRaft's log. */
const control = { snapshotHeader: 3, snapshotFooter: 4, kraftVersion: 5, voters: 6 } as const;

type Batch = { readonly isControl: boolean; readonly records: readonly NewRecord[] };

function controlRecord<M extends Message>(
  type: number,
  schema: M,
  init: Init<M>,
  timestamp: number,
): NewRecord {
  const key = new Uint8Array([0, 0, 0, type]);
  return { key, value: encode(schema as Message, 0, init as Init<Message>), timestamp };
}

function snapshot(content: readonly Batch[], head: readonly NewRecord[], nowMs: number): Uint8Array {
  const footer = controlRecord(control.snapshotFooter, SnapshotFooterRecord, { version: 0 }, nowMs);
  const all: Batch[] = [
    { isControl: true, records: head },
    ...content,
    { isControl: true, records: [footer] },
  ];
  let baseOffset = 0;
  const built = all.map(({ isControl, records }) => {
    const batch = buildBatch({ records, isControl, baseOffset, partitionLeaderEpoch: 0 });
    baseOffset += records.length;
    return batch;
  });
  const bytes = new Uint8Array(built.reduce((sum, batch) => sum + batch.length, 0));
  let at = 0;
  for (const batch of built) {
    bytes.set(batch, at);
    at += batch.length;
  }
  return bytes;
}

/** Content of bootstrap.checkpoint. */
export function bootstrapBytes(records: readonly MetadataRecord[], nowMs: number): Uint8Array {
  const header = controlRecord(
    control.snapshotHeader,
    SnapshotHeaderRecord,
    { version: 0, lastContainedLogTimestamp: 0 },
    nowMs,
  );
  return snapshot(
    [
      {
        isControl: false,
        // Kafka writes each record in the version that belongs to the metadata.version. The record types used here have only
        // one version.
        records: records.map((record) => ({ value: encodeFramedRecord(record), timestamp: nowMs })),
      },
    ],
    [header],
    nowMs,
  );
}

/** Content of the first snapshot of a dynamic quorum. */
export function votersBytes(voters: readonly Voter[], nowMs: number): Uint8Array {
  const init = {
    version: 0,
    voters: voters.map((voter) => ({
      voterId: voter.id,
      voterDirectoryId: voter.directoryId,
      endpoints: voter.endpoints.map(({ name, host, port }) => ({ name, host, port })),
      kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
    })),
  };
  const head = [
    controlRecord(
      control.snapshotHeader,
      SnapshotHeaderRecord,
      { version: 0, lastContainedLogTimestamp: nowMs },
      nowMs,
    ),
    controlRecord(control.kraftVersion, KRaftVersionRecord, { version: 0, kRaftVersion: 1 }, nowMs),
    controlRecord(control.voters, VotersRecord, init, nowMs),
  ];
  return snapshot([], head, nowMs);
}

/** Writes both files. `voters` is null when the quorum is static or this node is not among its first voters. */
export async function writeBootstrapFiles(
  fs: FileSystem,
  directory: string,
  records: readonly MetadataRecord[],
  voters: readonly Voter[] | null,
  nowMs: number,
): Promise<void> {
  await fs.makeDirectory(directory);
  await replaceFile(fs, `${directory}/${bootstrapFileName}`, bootstrapBytes(records, nowMs));
  if (voters === null) return;
  await fs.makeDirectory(`${directory}/__cluster_metadata-0`);
  await replaceFile(fs, `${directory}/${votersFilePath}`, votersBytes(voters, nowMs));
}

async function readSnapshot(
  fs: FileSystem,
  path: string,
): Promise<{ isControl: boolean; record: KafkaRecord }[] | null> {
  if ((await fs.stat(path)) === null) return null;
  const bytes = await fs.readFile(path);
  const { headers, stop } = batches(bytes);
  if (stop !== 'end' || headers.some((header) => !checkCrc(bytes, header.at))) throw damaged(path);
  return headers.flatMap((header) =>
    decodeRecords(header).map((record) => ({ isControl: header.isControl, record })),
  );
}

function damaged(path: string, why = ''): Error {
  return new Error(
    `${path} is damaged${why}. Only the first start of a new cluster needs it. If this cluster has run before, remove the file; otherwise empty the directories of log.dirs and format them again: kafka-storage.sh format`,
  );
}

function unframe(value: Uint8Array, path: string): MetadataRecord {
  try {
    return decodeFramedRecord(value).record;
  } catch (error) {
    if (!(error instanceof MalformedPayloadError)) throw error;
    throw damaged(path, ` (${error.message})`);
  }
}

/** The first records of a new cluster; null when the directory has no such file. */
export async function readBootstrapRecords(
  fs: FileSystem,
  directory: string,
): Promise<MetadataRecord[] | null> {
  const path = `${directory}/${bootstrapFileName}`;
  const records = await readSnapshot(fs, path);
  if (records === null) return null;
  return records
    .filter(({ isControl, record }) => !isControl && record.value !== null)
    .map(({ record }) => unframe(record.value as Uint8Array, path));
}

/**
 * The voters of a dynamic quorum, as this directory was formatted; null for a static quorum and for a node that joins
 * later.
 */
export async function readInitialVoters(fs: FileSystem, directory: string): Promise<Voter[] | null> {
  const records = await readSnapshot(fs, `${directory}/${votersFilePath}`);
  const found = records?.find(({ isControl, record }) => isControl && record.key?.[3] === control.voters);
  if (found === undefined || found.record.value === null) return null;
  return decode(VotersRecord, 0, found.record.value).voters.map((voter) => ({
    id: nodeId(voter.voterId),
    directoryId: voter.voterDirectoryId,
    endpoints: voter.endpoints.map(({ name, host, port }) => ({ name, host, port })),
  }));
}

/**
 * Reads metadata as batches of records, from a segment or a snapshot of Kafka, or from a snapshot or a metadata directory of
 * ours.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LaterReleaseError } from '../../base/later-release.ts';
import { decodeRecords as decodeBatch } from '../../protocol/records/record.ts';
import { decodeFramedRecord } from '../../metadata/framed-record.ts';
import { decodeRecords, type MetadataRecord } from '../../metadata/records.ts';
import { snapshotPayloads } from '../../metadata/snapshot.ts';
import { LogFile } from '../dump-log/log-file.ts';
import { ToolError } from '../tool.ts';
import { ownMetadataDirectory, readOwnLog, readOwnSnapshot } from './own-log.ts';

export interface MetadataBatch {
  /** The offset of its last record. In a snapshot of ours all records have the end offset of the snapshot. */
  readonly lastOffset: number;
  readonly epoch: number;
  /** Null when it is not known: a snapshot of ours stores no times. */
  readonly timestampMs: number | null;
  readonly records: readonly MetadataRecord[];
}

function* kafkaBatches(path: string): Generator<MetadataBatch> {
  const file = new LogFile(path);
  try {
    for (const { header } of file.batches()) {
      if (header.isControl) continue;
      const records = decodeBatch(header, header.bytes.length).flatMap(({ value }) =>
        value === null ? [] : [decodeFramedRecord(value).record],
      );
      const { lastOffset, partitionLeaderEpoch, maxTimestamp } = header;
      yield { lastOffset, epoch: partitionLeaderEpoch, timestampMs: maxTimestamp, records };
    }
  } finally {
    file.close();
  }
}

/** Yields the newest snapshot in a directory of Kafka's metadata log, and then the log after it. */
function* kafkaDirectory(path: string): Generator<MetadataBatch> {
  const names = readdirSync(path).sort();
  const snapshot = names.filter((name) => /^\d{20}-\d{10}\.checkpoint$/.test(name)).at(-1);
  const endOffset = snapshot === undefined ? 0 : Number(snapshot.slice(0, 20));
  if (snapshot !== undefined) yield* kafkaBatches(join(path, snapshot));
  for (const name of names.filter((one) => /^\d{20}\.log$/.test(one))) {
    for (const batch of kafkaBatches(join(path, name))) if (batch.lastOffset >= endOffset) yield batch;
  }
}

async function* ownDirectory(path: string): AsyncGenerator<MetadataBatch> {
  const { snapshot, entries } = await readOwnLog(path);
  const endOffset = snapshot?.meta.endOffset ?? 0;
  if (snapshot !== null) yield* ownSnapshot(snapshot);
  for (const { offset, epoch, kind, payload, appendedMs } of entries) {
    if (offset < endOffset || kind !== 'data') continue;
    yield { lastOffset: offset, epoch, timestampMs: appendedMs, records: ownRecords(payload) };
  }
}

function* ownSnapshot(snapshot: NonNullable<ReturnType<typeof readOwnSnapshot>>): Generator<MetadataBatch> {
  const { endOffset, epoch } = snapshot.meta;
  for (const payload of snapshotPayloads(snapshot.bytes)) {
    yield { lastOffset: endOffset - 1, epoch, timestampMs: null, records: ownRecords(payload) };
  }
}

function ownRecords(payload: Uint8Array): MetadataRecord[] {
  try {
    return decodeRecords(payload);
  } catch (error) {
    throw error instanceof LaterReleaseError ? new ToolError(error.message) : error;
  }
}

/**
 * Yields the batches of `path`, which is a file, a directory of the metadata log, or the folder that contains that directory.
 */
export async function* metadataBatches(path: string): AsyncGenerator<MetadataBatch> {
  if (!existsSync(path)) throw new ToolError(`java.nio.file.NoSuchFileException: ${path}`);
  if (!statSync(path).isDirectory()) {
    const snapshot = readOwnSnapshot(path);
    yield* snapshot === null ? kafkaBatches(path) : ownSnapshot(snapshot);
    return;
  }
  const own = ownMetadataDirectory(path);
  if (own !== null) {
    yield* ownDirectory(own);
    return;
  }
  const inside = join(path, '__cluster_metadata-0');
  const directory = existsSync(inside) ? inside : path;
  if (!readdirSync(directory).some((name) => /\.(log|checkpoint)$/.test(name)))
    throw new ToolError(`${path} has no metadata log.`);
  yield* kafkaDirectory(directory);
}

/**
 * The small text files of a log directory and of a partition, in Kafka's formats. Reading a damaged file does not throw but
 * returns `null` (or, for the clean shutdown file, an unknown broker epoch). The loss of a file costs at most a longer
 * recovery, with two exceptions: without log start offsets deleted records can be read again, and without `partition.metadata`
 * a log is taken for the log of the topic with its name.
 */
import type { Scheduler } from '../../base/clock.ts';
import type { FileSystem } from '../../base/file-system.ts';
import { replaceFile } from '../../base/file-system.ts';
import { LaterReleaseError } from '../../base/later-release.ts';
import type { Uuid } from '../../base/uuid.ts';
import { isUuid } from '../../base/uuid.ts';
import { forEachInTurns } from '../manager/concurrency.ts';
import { readIfExists } from '../segment/index-bytes.ts';
import { cleanShutdownName, partitionMetadataName } from '../names.ts';

/** An offset for each partition, by `topic-partition` as `partitionDirectoryName` makes it. */
export type OffsetCheckpoint = Map<string, number>;

export interface EpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

const encoder = new TextEncoder();
const encodedPartLength = 4096;

async function readText(fs: FileSystem, path: string): Promise<string | null> {
  const content = await readIfExists(fs, path);
  return content === null ? null : new TextDecoder().decode(content);
}

/**
 * The lines of a checkpoint, without the first two (version and count); null when the file is truncated, has another version or
 * invalid lines.
 */
function checkpointLines(text: string, words: number): string[][] | null {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines[0] !== '0' || Number(lines[1]) !== lines.length - 2) return null;
  const rows = lines.slice(2).map((line) => line.split(' '));
  return rows.every((row) => row.length === words && row.slice(-1).every((word) => /^-?\d+$/.test(word)))
    ? rows
    : null;
}

function checkpointText(lines: readonly string[]): Uint8Array {
  return encoder.encode(`0\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`);
}

/** Makes the text of a checkpoint. It has a line for each partition of the broker, so other work is done in between. */
export async function encodeOffsetCheckpoint(
  offsets: OffsetCheckpoint,
  scheduler: Scheduler,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let text = `0\n${offsets.size}\n`;
  await forEachInTurns(offsets, scheduler, ([directory, offset]) => {
    const dash = directory.lastIndexOf('-');
    text += `${directory.slice(0, dash)} ${directory.slice(dash + 1)} ${offset}\n`;
    if (text.length < encodedPartLength) return;
    parts.push(encoder.encode(text));
    text = '';
  });
  parts.push(encoder.encode(text));
  return Buffer.concat(parts);
}

export function decodeOffsetCheckpoint(text: string): OffsetCheckpoint | null {
  const rows = checkpointLines(text, 3);
  if (rows === null) return null;
  const offsets: OffsetCheckpoint = new Map();
  for (const [topic, partition, offset] of rows) offsets.set(`${topic}-${partition}`, Number(offset));
  return offsets;
}

/** Reads a checkpoint; the map is empty if there is no file. Null: the file is damaged. */
export async function readOffsetCheckpoint(fs: FileSystem, path: string): Promise<OffsetCheckpoint | null> {
  const text = await readText(fs, path);
  return text === null ? new Map() : decodeOffsetCheckpoint(text);
}

export async function writeOffsetCheckpoint(
  fs: FileSystem,
  path: string,
  offsets: OffsetCheckpoint,
  scheduler: Scheduler,
): Promise<void> {
  await replaceFile(fs, path, await encodeOffsetCheckpoint(offsets, scheduler));
}

export function encodeEpochCheckpoint(entries: readonly EpochEntry[]): Uint8Array {
  return checkpointText(entries.map((entry) => `${entry.epoch} ${entry.startOffset}`));
}

/**
 * The epochs in a checkpoint; null when the text is damaged, or when its epochs do not increase or its start offsets decrease.
 * When two epochs start at the same offset, the earlier one has no records and is left out, as by Kafka.
 */
export function decodeEpochCheckpoint(text: string): EpochEntry[] | null {
  const rows = checkpointLines(text, 2);
  if (rows === null) return null;
  const entries: EpochEntry[] = [];
  for (const row of rows) {
    const [epoch, startOffset] = row.map(Number) as [number, number];
    if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(startOffset)) return null;
    const previous = entries.at(-1);
    if (previous !== undefined && (epoch <= previous.epoch || startOffset < previous.startOffset))
      return null;
    if (previous?.startOffset === startOffset) entries.pop();
    entries.push({ epoch, startOffset });
  }
  return entries;
}

/** The content of `partition.metadata`, without a newline at its end, as Kafka writes it. */
export function encodePartitionMetadata(topicId: Uuid): Uint8Array {
  return encoder.encode(`version: 0\ntopic_id: ${topicId}`);
}

/**
 * The topic id in `partition.metadata`; null when the file is missing or invalid. Throws `LaterReleaseError` for a later
 * version, which Kafka refuses too: with a guessed topic id the log could be taken for that of another topic with the same
 * name.
 */
export async function readPartitionMetadata(fs: FileSystem, directory: string): Promise<Uuid | null> {
  const text = await readText(fs, `${directory}/${partitionMetadataName}`);
  const match = text === null ? null : /^version: (\d+)\n(?:topic_id: (\S+)\s*$)?/.exec(text);
  const [, found = '0', id = ''] = match ?? [];
  if (Number(found) > 0)
    throw new LaterReleaseError(`${directory}/${partitionMetadataName} has version ${found}, known is 0`);
  return isUuid(id) ? id : null;
}

/** The content of the clean shutdown file; null: there is none, so the logs must be recovered. `brokerEpoch` -1: unknown. */
export async function readCleanShutdown(
  fs: FileSystem,
  directory: string,
): Promise<{ brokerEpoch: number } | null> {
  const text = await readText(fs, `${directory}/${cleanShutdownName}`);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    const epoch = (value as { brokerEpoch?: unknown }).brokerEpoch;
    return { brokerEpoch: typeof epoch === 'number' ? epoch : -1 };
  } catch {
    // Kafka before 3.6 wrote an empty file: the shutdown was clean, but the broker epoch is unknown.
    return { brokerEpoch: -1 };
  }
}

export async function writeCleanShutdown(
  fs: FileSystem,
  directory: string,
  brokerEpoch: number,
): Promise<void> {
  await replaceFile(
    fs,
    `${directory}/${cleanShutdownName}`,
    encoder.encode(JSON.stringify({ version: 0, brokerEpoch })),
  );
}
